"""Labelled configurations: reading, writing, the sign convention of stress, splits, strains, sampling, checks."""

from betalps.datasets.cfg import format_cfg, read_cfg, write_cfg
from betalps.datasets.duplicates import duplicates, fingerprints
from betalps.datasets.labels import LABELS, carried_labels, is_unconverged, label_shapes, stored_labels, with_labels
from betalps.datasets.outliers import Limits, Outlier, outliers
from betalps.datasets.reading import Dataset, read
from betalps.datasets.report import LabelCount, ReadReport
from betalps.datasets.sampling import Sampled, Sampling, sample
from betalps.datasets.splitting import Split, split
from betalps.datasets.strain import STUDY_STRAINS, strained
from betalps.datasets.stress import plus_stress_from_stress, stress_from_plus_stress
from betalps.datasets.writing import format_extxyz, write

__all__ = [
    "LABELS",
    "STUDY_STRAINS",
    "Dataset",
    "LabelCount",
    "Limits",
    "Outlier",
    "ReadReport",
    "Sampled",
    "Sampling",
    "Split",
    "carried_labels",
    "duplicates",
    "fingerprints",
    "format_cfg",
    "format_extxyz",
    "is_unconverged",
    "label_shapes",
    "outliers",
    "plus_stress_from_stress",
    "read",
    "read_cfg",
    "sample",
    "split",
    "stored_labels",
    "strained",
    "stress_from_plus_stress",
    "with_labels",
    "write",
    "write_cfg",
]
