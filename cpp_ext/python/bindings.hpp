// One function per bind_*.cpp; main.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

#include <string>

#include "betalps/evaluate.hpp"

namespace betalps::python {

void bind_potential(pybind11::module_&);   // betalps/mtp.hpp, basis.hpp, io.hpp
void bind_neighbours(pybind11::module_&);  // betalps/neighbours.hpp
void bind_evaluate(pybind11::module_&);    // betalps/evaluate.hpp
void bind_fit(pybind11::module_&);         // betalps/fit.hpp
void bind_dynamics(pybind11::module_&);    // betalps/dynamics.hpp

Precision parse_precision(const std::string& name);  // in bind_evaluate.cpp

}  // namespace betalps::python
