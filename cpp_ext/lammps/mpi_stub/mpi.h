/* Copyright (C) the betalps developers
 *
 * This file is part of the pair style "betalps" for LAMMPS. It is free software: you can redistribute it and/or modify
 * it under the terms of the GNU General Public License as published by the Free Software Foundation, either version 2
 * of the License, or (at your option) any later version. It is distributed without any warranty; without even the
 * implied warranty of merchantability or fitness for a particular purpose. See the GNU General Public License
 * (https://www.gnu.org/licenses/old-licenses/gpl-2.0.html) for more details.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later */

/* What LAMMPS's headers need of mpi.h, to compile against a LAMMPS that was built without MPI. */
#ifndef BETALPS_MPI_STUB_H
#define BETALPS_MPI_STUB_H

typedef int MPI_Comm;

#endif
