/* Copyright (C) the betalps developers
 *
 * This file is part of the pair style "betalps" for LAMMPS. It is free software: you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 2
 * of the License, or (at your option) any later version. It is distributed without any warranty; without even the
 * implied warranty of merchantability or fitness for a particular purpose. See the GNU General Public License
 * (https://www.gnu.org/licenses/old-licenses/gpl-2.0.html) for more details.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */

// pair_style betalps [threads N] [precision double|mixed] [grade N select G break G file F]
// pair_coeff * * potential.almtp Li P S
//
// A thin layer over the core's C interface: full neighbour list, newton on, forces added on ghost atoms. It talks to
// other ranks only to grade structures; each rank reads the potential file.
#ifndef BETALPS_PAIR_BETALPS_H
#define BETALPS_PAIR_BETALPS_H

#include <cstdint>
#include <string>
#include <vector>

#include "betalps/c_api.h"
#include "lmptype.h"
#include "pair.h"

namespace LAMMPS_NS {

class PairBetalps : public Pair {
 public:
  explicit PairBetalps(class LAMMPS*);
  ~PairBetalps() override;
  void settings(int, char**) override;
  void coeff(int, char**) override;
  void init_style() override;
  double init_one(int, int) override;
  void compute(int, int) override;
  void* extract(const char*, int&) override;          // "grade_flag": 1 asks for grades at the next compute()
  void* extract_peratom(const char*, int&) override;  // "grade": of the last step that computed grades
  double memory_usage() override;

 private:
  struct Frame;

  void allocate();
  int species_named(const std::string&) const;
  void take_list();
  void evaluate(bool virials, bool grades);
  void add_results();
  void look_at_grades();
  void write_frame(double largest);

  betalps_model* model_ = nullptr;
  int threads_ = 1;
  bool mixed_ = false;
  std::vector<std::string> symbols_;       // by type; empty: a type of another pair style
  std::vector<std::int32_t> species_of_;   // by type; -1: as above

  std::vector<std::int32_t> species_, neighbours_;  // of all atoms; of the list, flat
  std::vector<std::int64_t> first_;
  std::vector<char> active_;  // centres that are in the list
  std::vector<double> energies_, forces_, virials_, grades_;

  int grade_every_ = 0;  // steps between looks; 0: never
  double select_ = 2.0, break_ = 10.0;
  std::string grade_file_ = "extrapolating.extxyz";
  bigint graded_ = -1;  // step of the last look
  int grade_flag_ = 0;  // set by fix pair
};

}  // namespace LAMMPS_NS

#endif
