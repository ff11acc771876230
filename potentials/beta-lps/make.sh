#!/bin/bash
# How the bundled potentials were made, in order. W holds what comes between; every step goes on where it was killed.
#     W=work bash make.sh            all (about eight hours of one core)
#     W=work bash make.sh fit        only the fits and what is measured of them, from the labels in data/
set -euo pipefail
cd "$(dirname "$0")"
W=${W:?a folder for what comes between}
mkdir -p "$W"
export OMP_NUM_THREADS=1 BETALPS_THREADS=1
all() { [ "${only:-all}" = all ]; }
only=${1:-all}

labelled() {  # NAME: structures of the folder, labelled, into data/
    python label.py "$W/labels" "$W/$1.extxyz.xz" --output "$W/$1-labelled.extxyz.xz"
    python pack.py "$W/$1-labelled.extxyz.xz" --output "data/$1.extxyz.xz"
}

bash rounds.sh $only
if all; then
    betalps active-learn loop.toml --output "$W/loop" || true  # its status is 1 where the labels are spent
    python pack.py "$W/loop/new.extxyz.xz" --output data/loop.extxyz.xz
fi

training=$(printf "data/%s.extxyz.xz " start round1 round2 round3 crystals round4 round5 loop)
basis="--radial-size 12 --force-scale 0.3 --stress-weight 0.02 --contact-weight 0.04"
python fit.py $training $basis --warm "$W/rounds.almtp" --iterations 10 --energy-weight 4 --force-weight 0.15 \
    --cold-weight 10 --melt-weight 0.7 --output "$W/beta-lps.almtp"
python fit.py $training $basis --warm "$W/beta-lps.almtp" --level 20 --iterations 12 --energy-weight 3 --force-weight 0.1 \
    --cold-weight 2 --name beta-lps-accurate --output "$W/beta-lps-accurate.almtp"

if all; then
    python held_out.py "$W/beta-lps.almtp" "$W/test" --output "$W/test.extxyz.xz"
    python held_out.py "$W/beta-lps.almtp" "$W/boundaries" --boundaries --output "$W/boundaries.extxyz.xz"
    labelled test
    labelled boundaries
    python properties.py teacher --output teacher.json
fi
for name in beta-lps beta-lps-accurate; do
    measured="$W/$name"
    python stability.py "$W/$name.almtp" "$measured/stability"
    python boundary_energies.py "$W/$name.almtp" "$measured/boundary_energies"
    if all; then python boundary_energies.py teacher "$measured/boundary_energies" --relax; fi
    if all; then python large.py "$W/$name.almtp" "$measured/large"; fi
    python card.py "$W/$name.almtp" --measured "$measured" --output "$W"
done
