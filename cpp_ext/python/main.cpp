#include <pybind11/pybind11.h>

#include "betalps/errors.hpp"
#include "bindings.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, m) {
  m.doc() = "The C++ core of betalps: potentials, neighbours, the kernel. Use it through betalps.";

  py::register_local_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const betalps::FormatError& error) {
      const py::object type = py::module_::import("betalps.errors").attr("FormatError");
      py::set_error(type, error.what());
    }
  });

  betalps::python::bind_potential(m);
  betalps::python::bind_neighbours(m);
  betalps::python::bind_evaluate(m);
  betalps::python::bind_fit(m);
  betalps::python::bind_dynamics(m);
}
