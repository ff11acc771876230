#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "betalps/neighbours.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace betalps::python {
namespace {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Integers = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

std::string show_shape(const py::array& array) { return py::str(array.attr("shape")).cast<std::string>(); }

void check_shape(const py::array& array, const char* name, const std::vector<py::ssize_t>& expected,
                 const char* expected_text) {
  bool ok = array.ndim() == static_cast<py::ssize_t>(expected.size());
  for (std::size_t k = 0; ok && k < expected.size(); ++k) ok = array.shape(static_cast<py::ssize_t>(k)) == expected[k];
  if (!ok) throw py::value_error(std::string(name) + " has shape " + show_shape(array) + ": expected " + expected_text);
}

bool update(NeighbourList& self, const Doubles& positions, const Integers& species, const Doubles& cell,
            const std::array<bool, 3>& pbc) {
  const py::ssize_t atoms = positions.ndim() > 0 ? positions.shape(0) : 0;
  check_shape(positions, "positions", {atoms, 3}, "(atoms, 3)");
  check_shape(species, "species", {atoms}, ("(" + std::to_string(atoms) + ",), one per position").c_str());
  check_shape(cell, "cell", {3, 3}, "(3, 3)");
  Cell rows;
  std::copy(cell.data(), cell.data() + 9, rows.begin());
  const double* r = positions.data();
  const std::int32_t* z = species.data();
  const py::gil_scoped_release release;
  return self.update(static_cast<std::size_t>(atoms), r, z, rows, pbc);
}

/// The pairs as matscipy and ASE name them: i, j (the caller's indices), S (pairs x 3), D (pairs x 3); sorted by i.
py::tuple pairs(const NeighbourList& self) {
  const Pairs list = self.pairs();
  const py::ssize_t count = list.centres > 0 ? list.first[list.centres] : 0;
  py::array_t<std::int32_t> i(count), j(count), shifts({count, py::ssize_t{3}});
  py::array_t<double> vectors({count, py::ssize_t{3}});
  std::int32_t *to_i = i.mutable_data(), *to_j = j.mutable_data(), *to_s = shifts.mutable_data();
  double* to_d = vectors.mutable_data();
  std::vector<std::size_t> centre_of(list.centres);
  for (std::size_t c = 0; c < list.centres; ++c) centre_of[self.order()[c]] = c;
  for (const std::size_t c : centre_of) {
    const auto from = self.translation(c);
    for (std::int64_t p = list.first[c]; p < list.first[c + 1]; ++p) {
      const auto e = static_cast<std::size_t>(list.neighbours[p]);
      const auto to = self.translation(e);
      *to_i++ = self.order()[c];
      *to_j++ = self.order()[e < list.centres ? e : self.ghost_parent()[e - list.centres]];
      for (int k = 0; k < 3; ++k) {
        *to_s++ = to[k] - from[k];
        *to_d++ = list.positions[3 * e + k] - list.positions[3 * c + k];
      }
    }
  }
  return py::make_tuple(i, j, shifts, vectors);
}

}  // namespace

void bind_neighbours(py::module_& m) {
  py::class_<NeighbourList>(m, "NeighbourList", "Pairs of atoms within cutoff + skin, kept up to date as atoms move.")
      .def(py::init<double, double>(), py::arg("cutoff"), py::arg("skin"))
      .def("update", &update, py::arg("positions"), py::arg("species"), py::arg("cell"), py::arg("pbc"),
           "Bring the list up to date; returns whether it was rebuilt.")
      .def("pairs", &pairs,
           "Copies (i, j, shifts, vectors) of the candidates, by ascending i: every pair within the cutoff, and more.")
      .def("clear", &NeighbourList::clear, "Rebuild at the next update.")
      .def_property_readonly("cutoff", &NeighbourList::cutoff)
      .def_property_readonly("skin", &NeighbourList::skin)
      .def_property_readonly("rebuilds", &NeighbourList::rebuilds)
      .def_property_readonly("centres", [](const NeighbourList& self) { return self.order().size(); })
      .def_property_readonly("ghosts", [](const NeighbourList& self) { return self.ghost_parent().size(); });
}

}  // namespace betalps::python
