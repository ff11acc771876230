#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "betalps/fit.hpp"
#include "betalps/threads.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace betalps::python {
namespace {

using DoubleArray = py::array_t<double, py::array::c_style | py::array::forcecast>;
using IntArray = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

void expect_size(const DoubleArray& array, std::size_t size, const char* name) {
  if (static_cast<std::size_t>(array.size()) != size)
    throw std::invalid_argument(std::string(name) + ": found " + std::to_string(array.size()) + " numbers, expected " +
                                std::to_string(size));
}

/// Labelled configurations and the threads that sum over them.
class PyFit {
 public:
  PyFit(const Potential& form, int threads, const std::string& isa, std::size_t shifts)
      : fit_(form, isa.empty() ? default_isa() : parse_isa(isa), shifts),
        pool_(threads),
        shifts_(shifts),
        coeffs_count_(form.coeffs_count() + shifts) {}

  void add(const DoubleArray& positions, const IntArray& species, const DoubleArray& cell, const Periodic& pbc,
           double energy, double energy_weight, const std::optional<DoubleArray>& forces,
           const std::optional<DoubleArray>& force_weights, const std::optional<DoubleArray>& virial,
           const std::optional<DoubleArray>& virial_weights, const std::optional<DoubleArray>& shifts) {
    if (positions.ndim() != 2 || positions.shape(1) != 3) throw std::invalid_argument("positions: expected shape (n, 3)");
    const auto atoms = static_cast<std::size_t>(positions.shape(0));
    if (static_cast<std::size_t>(species.size()) != atoms)
      throw std::invalid_argument("species: expected one for each atom");
    expect_size(cell, 9, "cell");
    Labels labels;
    labels.energy = energy;
    labels.energy_weight = energy_weight;
    if (forces && force_weights) {
      expect_size(*forces, 3 * atoms, "forces");
      expect_size(*force_weights, atoms, "force_weights");
      labels.forces = forces->data();
      labels.force_weights = force_weights->data();
    }
    if (virial && virial_weights) {
      expect_size(*virial, 6, "virial");
      expect_size(*virial_weights, 6, "virial_weights");
      labels.virial = virial->data();
      labels.virial_weights = virial_weights->data();
    }
    if (shifts) {
      expect_size(*shifts, shifts_, "shifts");
      labels.shifts = shifts->data();
    }
    Cell rows;
    std::copy_n(cell.data(), 9, rows.begin());
    fit_.add(atoms, positions.data(), species.data(), rows, pbc, labels);
  }

  py::tuple normal_equations(const DoubleArray& coefficients, bool linear,
                             const std::optional<std::vector<std::size_t>>& members) {
    expect_size(coefficients, coeffs_count_, "coefficients");
    std::vector<std::size_t> all;
    if (!members)
      for (std::size_t m = 0; m < fit_.configurations(); ++m) all.push_back(m);
    NormalEquations sums;
    {
      const double* given = coefficients.data();
      py::gil_scoped_release release;
      const std::lock_guard<std::mutex> one_at_a_time(mutex_);
      sums = fit_.normal_equations(given, linear ? Columns::linear : Columns::all, members ? *members : all, pool_);
    }
    const auto n = static_cast<py::ssize_t>(sums.gradient.size());
    py::array_t<double> matrix({n, n}), gradient(n);
    std::copy(sums.matrix.begin(), sums.matrix.end(), matrix.mutable_data());
    std::copy(sums.gradient.begin(), sums.gradient.end(), gradient.mutable_data());
    return py::make_tuple(matrix, gradient, sums.value);
  }

  std::size_t configurations() const { return fit_.configurations(); }
  std::size_t pairs() const { return fit_.pairs(); }
  double shortest_distance() const { return fit_.shortest_distance(); }

 private:
  Fit fit_;
  ThreadPool pool_;
  std::size_t shifts_, coeffs_count_;
  std::mutex mutex_;
};

}  // namespace

void bind_fit(py::module_& m) {
  py::class_<PyFit>(m, "Fit", "Labelled configurations, and the normal equations of their least squares.")
      .def(py::init<const Potential&, int, const std::string&, std::size_t>(), py::arg("form"), py::kw_only(),
           py::arg("threads") = 1, py::arg("isa") = "", py::arg("shifts") = 0)
      .def("add", &PyFit::add, py::arg("positions"), py::arg("species"), py::arg("cell"), py::arg("pbc"), py::kw_only(),
           py::arg("energy") = 0.0, py::arg("energy_weight") = 0.0, py::arg("forces") = py::none(),
           py::arg("force_weights") = py::none(), py::arg("virial") = py::none(),
           py::arg("virial_weights") = py::none(), py::arg("shifts") = py::none())
      .def("normal_equations", &PyFit::normal_equations, py::arg("coefficients"), py::kw_only(),
           py::arg("linear") = false, py::arg("members") = py::none())
      .def_property_readonly("configurations", &PyFit::configurations)
      .def_property_readonly("pairs", &PyFit::pairs)
      .def_property_readonly("shortest_distance", &PyFit::shortest_distance);
}

}  // namespace betalps::python
