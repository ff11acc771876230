/* Copyright (C) the betalps developers
 *
 * This file is part of the pair style "betalps" for LAMMPS. It is free software: you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 2
 * of the License, or (at your option) any later version. It is distributed without any warranty; without even the
 * implied warranty of merchantability or fitness for a particular purpose. See the GNU General Public License
 * (https://www.gnu.org/licenses/old-licenses/gpl-2.0.html) for more details.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */

#include "pair_betalps.h"

#include <mpi.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;

namespace {

constexpr std::size_t message_size = 1000;

// The core's order of a virial is xx yy zz yz xz xy, that of LAMMPS xx yy zz xy xz yz.
constexpr int virial_order[6] = {0, 1, 2, 5, 4, 3};

template <class T>
T* resized(std::vector<T>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
  return buffer.data();
}

}  // namespace

PairBetalps::PairBetalps(LAMMPS* lmp) : Pair(lmp) {
  single_enable = 0;
  restartinfo = 0;  // the potential is a file: give pair_style and pair_coeff again after read_restart
  one_coeff = 1;
  manybody_flag = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  nextra = 2;  // compute pair: the largest grade at the last look, and frames written
  pvector = new double[nextra]();
}

PairBetalps::~PairBetalps() {
  if (copymode) return;
  betalps_close(model_);
  delete[] pvector;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

void PairBetalps::settings(int narg, char** arg) {
  bool thresholds = false;
  for (int i = 0; i < narg; i += 2) {
    const std::string key = arg[i];
    if (i + 1 == narg) error->all(FLERR, "pair_style betalps: {} lacks its value", key);
    const char* const value = arg[i + 1];
    thresholds = thresholds || key == "select" || key == "break" || key == "file";
    if (key == "threads")
      threads_ = utils::inumeric(FLERR, value, false, lmp);
    else if (key == "precision" && (std::strcmp(value, "double") == 0 || std::strcmp(value, "mixed") == 0))
      mixed_ = std::strcmp(value, "mixed") == 0;
    else if (key == "grade")
      grade_every_ = utils::inumeric(FLERR, value, false, lmp);
    else if (key == "select")
      select_ = utils::numeric(FLERR, value, false, lmp);
    else if (key == "break")
      break_ = utils::numeric(FLERR, value, false, lmp);
    else if (key == "file")
      grade_file_ = value;
    else
      error->all(FLERR,
                 "pair_style betalps: found {} {}, expected threads N, precision double|mixed, grade N, select GRADE, "
                 "break GRADE, or file NAME",
                 key, value);
  }
  if (threads_ < 1) error->all(FLERR, "pair_style betalps: threads is {}, expected at least 1", threads_);
  if (grade_every_ < 0) error->all(FLERR, "pair_style betalps: grade is {}, expected a number of steps", grade_every_);
  if (thresholds && grade_every_ == 0)
    error->all(FLERR, "pair_style betalps: select, break and file need grade N, the steps between grades");
  if (!(select_ > 0 && break_ >= select_))
    error->all(FLERR, "pair_style betalps: select is {} and break {}, expected 0 < select <= break", select_, break_);
#ifdef BETALPS_SERIAL
  if (comm->nprocs > 1 && grade_every_) error->all(FLERR, "pair_style betalps: grade on several ranks needs MPI");
#endif
}

void PairBetalps::allocate() {
  const int n = atom->ntypes;
  if (!allocated) {
    memory->create(setflag, n + 1, n + 1, "pair:setflag");
    memory->create(cutsq, n + 1, n + 1, "pair:cutsq");
  }
  allocated = 1;
  for (int i = 1; i <= n; ++i)
    for (int j = 1; j <= n; ++j) setflag[i][j] = 0;
}

int PairBetalps::species_named(const std::string& symbol) const {
  std::string known;
  for (int z = 0; z < betalps_species_count(model_); ++z) {
    if (symbol == betalps_species(model_, z)) return z;
    known += std::string(" ") + betalps_species(model_, z);
  }
  if (known.find_first_not_of(' ') == std::string::npos)
    error->all(FLERR,
               "pair_style betalps: the potential file does not say which elements its species are: write it again "
               "with betalps.potentials.Potential.read(file, species=[...]).write(file)");
  error->all(FLERR, "pair_style betalps: found element {}, the potential knows{}", symbol, known);
  return -1;
}

void PairBetalps::coeff(int narg, char** arg) {
  allocate();
  const int n = atom->ntypes;
  if (narg != 3 + n || std::strcmp(arg[0], "*") != 0 || std::strcmp(arg[1], "*") != 0)
    error->all(FLERR, "pair_style betalps: expected pair_coeff * * FILE and the elements of all {} atom types", n);
  char message[message_size];
  betalps_close(model_);
  model_ = betalps_open(arg[2], threads_, mixed_, message, message_size);
  if (!model_) error->all(FLERR, "pair_style betalps: {}", message);
  if (grade_every_ && !betalps_has_grades(model_))
    error->all(FLERR, "pair_style betalps: {} has no active set of neighbourhoods, which grade needs", arg[2]);
  symbols_.assign(n + 1, "");
  species_of_.assign(n + 1, -1);
  for (int type = 1; type <= n; ++type) {
    const std::string symbol = arg[2 + type];
    if (symbol == "NULL") continue;  // of another style of pair_style hybrid
    symbols_[type] = symbol;
    species_of_[type] = species_named(symbol);
  }
  for (int i = 1; i <= n; ++i)
    for (int j = i; j <= n; ++j) setflag[i][j] = species_of_[i] >= 0 && species_of_[j] >= 0;
}

void PairBetalps::init_style() {
  if (std::strcmp(update->unit_style, "metal") != 0)
    error->all(FLERR, "pair_style betalps: units are {}, expected metal", update->unit_style);
  if (!force->newton_pair) error->all(FLERR, "pair_style betalps: newton is off, expected newton on");
  neighbor->add_request(this, NeighConst::REQ_FULL);
}

double PairBetalps::init_one(int i, int j) {
  if (setflag[i][j] == 0) error->all(FLERR, "pair_style betalps: no coefficients for atom types {} and {}", i, j);
  return betalps_cutoff(model_);
}

/// Copies LAMMPS's list when it was rebuilt, without the bits of special bonds and without atoms of other styles.
void PairBetalps::take_list() {
  const int nlocal = atom->nlocal;
  const int* const type = atom->type;
  first_.assign(nlocal + 1, 0);
  active_.assign(nlocal, 0);
  std::int64_t total = 0;
  for (int ii = 0; ii < list->inum; ++ii) {
    const int i = list->ilist[ii];
    active_[i] = species_of_[type[i]] >= 0;
    if (active_[i]) first_[i + 1] = list->numneigh[i];
    total += first_[i + 1];
  }
  std::int32_t* const to = resized(neighbours_, total);
  std::int64_t at = 0;
  for (int i = 0; i < nlocal; ++i) {
    const int* const from = list->firstneigh[i];
    const std::int64_t count = first_[i + 1];
    for (std::int64_t k = 0; k < count; ++k) {
      const int j = from[k] & NEIGHMASK;
      if (species_of_[type[j]] >= 0) to[at++] = j;
    }
    first_[i + 1] = at;
  }
}

void PairBetalps::evaluate(bool virials, bool grades) {
  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  std::int32_t* const species = resized(species_, nall);
  for (int i = 0; i < nall; ++i) species[i] = std::max(species_of_[atom->type[i]], 0);
  const betalps_pairs pairs = {static_cast<std::size_t>(nlocal),
                               static_cast<std::size_t>(nall),
                               nall ? atom->x[0] : nullptr,
                               species,
                               first_.data(),
                               neighbours_.data()};
  betalps_output output = {};
  output.site_energies = resized(energies_, nlocal);
  output.forces = resized(forces_, 3 * static_cast<std::size_t>(nall));
  if (virials) output.site_virials = resized(virials_, 6 * static_cast<std::size_t>(nlocal));
  if (grades) output.grades = resized(grades_, nlocal);
  char message[message_size];
  if (betalps_evaluate(model_, &pairs, &output, message, message_size) != 0)
    error->one(FLERR, "pair_style betalps: {}", message);
}

void PairBetalps::add_results() {
  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  double energy = 0;
  for (int i = 0; i < nlocal; ++i)
    if (active_[i]) energy += energies_[i];
  if (!std::isfinite(energy))
    for (int i = 0; i < nlocal; ++i)
      if (active_[i] && !std::isfinite(energies_[i]))
        error->one(FLERR, "pair_style betalps: step {}: the energy of atom {} is not finite: it is in the same place "
                          "as another, or almost", update->ntimestep, atom->tag[i]);
  if (eflag_global) eng_vdwl += energy;
  if (eflag_atom)
    for (int i = 0; i < nlocal; ++i)
      if (active_[i]) eatom[i] += energies_[i];
  double* const f = nall ? atom->f[0] : nullptr;
  for (std::size_t k = 0; k < 3 * static_cast<std::size_t>(nall); ++k) f[k] += forces_[k];
}

void PairBetalps::compute(int eflag, int vflag) {
  ev_init(eflag, vflag);
  if (neighbor->ago == 0 || first_.size() != static_cast<std::size_t>(atom->nlocal) + 1) take_list();
  const bool look = grade_every_ && update->ntimestep % grade_every_ == 0 && update->ntimestep != graded_;
  const bool site_virials = vflag_atom || (vflag_global && !vflag_fdotr);
  evaluate(site_virials, look || grade_flag_);
  add_results();
  if (site_virials)
    for (int i = 0; i < atom->nlocal; ++i)
      if (active_[i])
        for (int c = 0; c < 6; ++c) {
          const double value = virials_[6 * static_cast<std::size_t>(i) + virial_order[c]];
          if (vflag_atom) vatom[i][c] += value;
          if (vflag_global && !vflag_fdotr) virial[c] += value;
        }
  if (vflag_fdotr) virial_fdotr_compute();
  if (look) look_at_grades();
}

// ---------------------------------------------------------------------------------------------------- grades

void* PairBetalps::extract(const char* name, int& dim) {
  dim = 0;
  if (std::strcmp(name, "grade_flag") != 0) return nullptr;
  if (model_ && !betalps_has_grades(model_))
    error->all(FLERR, "pair_style betalps: the potential has no active set of neighbourhoods, which grades need");
  return &grade_flag_;
}

void* PairBetalps::extract_peratom(const char* name, int& columns) {
  columns = 0;
  if (std::strcmp(name, "grade") != 0) return nullptr;
  return resized(grades_, std::max(atom->nmax, 1));
}

double PairBetalps::memory_usage() {
  return 8.0 * (energies_.capacity() + forces_.capacity() + virials_.capacity() + grades_.capacity()) +
         4.0 * (species_.capacity() + neighbours_.capacity()) + 8.0 * first_.capacity();
}

/// Writes the structure when its largest grade is above `select`; ends the run when it is above `break`.
void PairBetalps::look_at_grades() {
  graded_ = update->ntimestep;
  double largest = 0;
  for (int i = 0; i < atom->nlocal; ++i)
    if (active_[i]) largest = std::max(largest, grades_[i]);
#ifndef BETALPS_SERIAL
  double mine = largest;
  MPI_Allreduce(&mine, &largest, 1, MPI_DOUBLE, MPI_MAX, world);
#endif
  if (largest > select_) write_frame(largest);
  if (comm->me == 0) {  // compute pair adds those of all ranks
    pvector[0] = largest;
    pvector[1] += largest > select_;
  }
  if (largest > break_)
    error->all(FLERR,
               "pair_style betalps: step {}: extrapolation grade {:.4g} is above break {:g}; the structure is in {}",
               graded_, largest, break_, grade_file_);
}

/// One atom as it travels to the first rank.
struct PairBetalps::Frame {
  double tag, type, x[3], grade;
};

/// Appends the structure to the file, as extended XYZ in the frame of LAMMPS.
void PairBetalps::write_frame(double largest) {
  std::vector<Frame> atoms(atom->nlocal);
  for (int i = 0; i < atom->nlocal; ++i) {
    const double* const x = atom->x[i];
    atoms[i] = {static_cast<double>(atom->tag[i]), static_cast<double>(atom->type[i]),
                {x[0] - domain->boxlo[0], x[1] - domain->boxlo[1], x[2] - domain->boxlo[2]},
                active_[i] ? grades_[i] : 0.0};
  }
#ifndef BETALPS_SERIAL
  constexpr int width = sizeof(Frame) / sizeof(double);
  int count = width * atom->nlocal;
  std::vector<int> counts(comm->nprocs), starts(comm->nprocs, 0);
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, world);
  for (int rank = 1; rank < comm->nprocs; ++rank) starts[rank] = starts[rank - 1] + counts[rank - 1];
  std::vector<Frame> all(comm->me == 0 ? static_cast<std::size_t>(starts.back() + counts.back()) / width : 0);
  MPI_Gatherv(atoms.data(), count, MPI_DOUBLE, all.data(), counts.data(), starts.data(), MPI_DOUBLE, 0, world);
  atoms.swap(all);
#endif
  if (comm->me != 0) return;
  std::sort(atoms.begin(), atoms.end(), [](const Frame& a, const Frame& b) { return a.tag < b.tag; });
  FILE* const file = std::fopen(grade_file_.c_str(), "a");
  if (!file) error->one(FLERR, "pair_style betalps: cannot write {}: {}", grade_file_, std::strerror(errno));
  const auto flag = [this](int axis) { return domain->periodicity[axis] ? 'T' : 'F'; };
  std::fprintf(file,
               "%zu\nLattice=\"%.16g 0 0 %.16g %.16g 0 %.16g %.16g %.16g\" "
               "Properties=species:S:1:pos:R:3:nbh_grades:R:1 pbc=\"%c %c %c\" step=%lld grade=%.9g\n",
               atoms.size(), domain->xprd, domain->xy, domain->yprd, domain->xz, domain->yz, domain->zprd, flag(0),
               flag(1), flag(2), static_cast<long long>(graded_), largest);
  for (const Frame& a : atoms) {
    const std::string& symbol = symbols_[static_cast<std::size_t>(a.type)];
    std::fprintf(file, "%s %.16g %.16g %.16g %.9g\n", symbol.empty() ? "X" : symbol.c_str(), a.x[0], a.x[1], a.x[2],
                 a.grade);
  }
  const bool failed = std::ferror(file);
  if (std::fclose(file) != 0 || failed)
    error->one(FLERR, "pair_style betalps: cannot write {}: {}", grade_file_, std::strerror(errno));
}
