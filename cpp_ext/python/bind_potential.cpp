// Potential and ActiveSet as seen from Python: immutable, arrays handed out as read-only copies.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstring>
#include <memory>
#include <stdexcept>

#include "betalps/io.hpp"
#include "betalps/mtp.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace betalps::python {
namespace {

template <typename T>
using Array = py::array_t<T, py::array::c_style | py::array::forcecast>;

/// A read-only copy; an empty vector (an untrained potential) becomes None when `shape` is not empty.
template <typename T>
py::object frozen(const std::vector<T>& values, const std::vector<py::ssize_t>& shape) {
  py::array_t<T> array(shape);
  if (static_cast<std::size_t>(array.size()) != values.size()) return py::none();
  if (!values.empty()) std::memcpy(array.mutable_data(), values.data(), values.size() * sizeof(T));
  array.attr("setflags")(py::arg("write") = false);
  return std::move(array);
}

py::ssize_t signed_size(std::size_t size) { return static_cast<py::ssize_t>(size); }

template <typename T>
std::vector<T> vector_of(const Array<T>& array) {
  return std::vector<T>(array.data(), array.data() + array.size());
}

RadialBasis radial_basis_named(const std::string& name) {
  if (name == "RBChebyshev") return RadialBasis::chebyshev;
  if (name == "RBChebyshev_repuls") return RadialBasis::chebyshev_repulsive;
  throw std::invalid_argument("radial_basis is '" + name + "', expected 'RBChebyshev' or 'RBChebyshev_repuls'");
}

FileFormat format_named(const std::string& name) {
  if (name == "almtp") return FileFormat::almtp;
  if (name == "mtp") return FileFormat::mtp;
  throw std::invalid_argument("format is '" + name + "', expected 'almtp' or 'mtp'");
}

Potential from_level(int level, int species_count, double min_dist, double max_dist, int radial_size,
                     const std::string& radial_basis, double scaling) {
  Potential p;
  p.basis = make_basis(level);
  p.radial_basis = radial_basis_named(radial_basis);
  p.scaling = scaling, p.min_dist = min_dist, p.max_dist = max_dist;
  p.radial_size = radial_size, p.radial_count = p.basis.radial_functions();
  p.species_count = species_count;
  for (int type = 0; type < species_count; ++type) p.types.push_back(type);
  p.check();
  return p;
}

py::bytes to_bytes(const Potential& p, const std::string& format) {
  const FileFormat wanted = format_named(format);
  std::string text;
  {
    py::gil_scoped_release release;
    text = format_potential(p, wanted);
  }
  return py::bytes(text);
}

Potential from_bytes(const py::bytes& bytes, const std::string& source) {
  const std::string_view view = bytes;  // the caller's reference keeps it alive
  py::gil_scoped_release release;
  return parse_potential(view, source);
}

/// A copy with other values; what is not given stays. The active set goes when coefficients change: it belongs to
/// the old ones.
Potential replaced(const Potential& old, const std::optional<Array<double>>& radial,
                   const std::optional<Array<double>>& species, const std::optional<Array<double>>& moments,
                   const std::optional<std::string>& name, const std::optional<std::string>& tag,
                   const std::optional<double>& min_dist, const std::optional<double>& scaling,
                   const std::optional<std::vector<int>>& types, const std::optional<ActiveSet>& active_set) {
  Potential p = old;
  if (radial) p.radial_coeffs = vector_of(*radial);
  if (species) p.species_coeffs = vector_of(*species);
  if (moments) p.moment_coeffs = vector_of(*moments);
  if (name) p.name = *name;
  if (tag) p.tag = *tag;
  if (min_dist) p.min_dist = *min_dist;
  if (scaling) p.scaling = *scaling;
  if (types) p.types = *types;
  if (radial || species || moments || min_dist || scaling) p.active_set.reset();
  if (active_set) p.active_set = active_set;
  p.check();
  return p;
}

ActiveSet make_active_set(const Array<double>& matrix, const Array<double>& inverse_transpose,
                          const Array<int>& configuration, const Array<int>& equation, double energy_weight,
                          double force_weight, double stress_weight, double site_energy_weight, int weight_scaling,
                          const std::string& configurations) {
  if (matrix.ndim() != 2 || matrix.shape(0) != matrix.shape(1))
    throw std::invalid_argument("active set: matrix must be square, one row per coefficient");
  ActiveSet set;
  set.size = static_cast<std::size_t>(matrix.shape(0));
  set.matrix = vector_of(matrix), set.inverse_transpose = vector_of(inverse_transpose);
  set.configuration = vector_of(configuration), set.equation = vector_of(equation);
  set.energy_weight = energy_weight, set.force_weight = force_weight, set.stress_weight = stress_weight;
  set.site_energy_weight = site_energy_weight, set.weight_scaling = weight_scaling;
  set.configurations = configurations;
  return set;
}

void bind_active_set(py::module_& m) {
  const auto square = [](const ActiveSet& set) {
    return std::vector<py::ssize_t>{signed_size(set.size), signed_size(set.size)};
  };
  const auto row = [](const ActiveSet& set) { return std::vector<py::ssize_t>{signed_size(set.size)}; };
  py::class_<ActiveSet>(m, "ActiveSet", "The active set of a potential (D-optimality); immutable.")
      .def(py::init(&make_active_set), py::kw_only(), py::arg("matrix"), py::arg("inverse_transpose"),
           py::arg("configuration"), py::arg("equation"), py::arg("energy_weight") = 0.0,
           py::arg("force_weight") = 0.0, py::arg("stress_weight") = 0.0, py::arg("site_energy_weight") = 1.0,
           py::arg("weight_scaling") = 2, py::arg("configurations") = "")
      .def_property_readonly("matrix", [=](const ActiveSet& s) { return frozen(s.matrix, square(s)); })
      .def_property_readonly("inverse_transpose",
                             [=](const ActiveSet& s) { return frozen(s.inverse_transpose, square(s)); })
      .def_property_readonly("configuration", [=](const ActiveSet& s) { return frozen(s.configuration, row(s)); })
      .def_property_readonly("equation", [=](const ActiveSet& s) { return frozen(s.equation, row(s)); })
      .def_property_readonly("configurations", [](const ActiveSet& s) { return py::bytes(s.configurations); })
      .def_property_readonly("size", [](const ActiveSet& s) { return s.size; })
      .def_property_readonly("unfilled", &ActiveSet::unfilled)
      .def_property_readonly("neighbourhood_mode", &ActiveSet::neighbourhood_mode)
      .def_readonly("energy_weight", &ActiveSet::energy_weight)
      .def_readonly("force_weight", &ActiveSet::force_weight)
      .def_readonly("stress_weight", &ActiveSet::stress_weight)
      .def_readonly("site_energy_weight", &ActiveSet::site_energy_weight)
      .def_readonly("weight_scaling", &ActiveSet::weight_scaling);
}

py::object basics_array(const Basis& basis) {
  std::vector<int> flat;
  for (const BasicMoment& b : basis.basics) flat.insert(flat.end(), {b.mu, b.x, b.y, b.z});
  return frozen(flat, {signed_size(basis.basics.size()), 4});
}

py::object products_array(const Basis& basis) {
  std::vector<int> flat;
  for (const Product& p : basis.products) flat.insert(flat.end(), {p.left, p.right, p.factor, p.result});
  return frozen(flat, {signed_size(basis.products.size()), 4});
}

using PotentialClass = py::class_<Potential, std::shared_ptr<Potential>>;

void bind_parameters(PotentialClass& cls) {
  cls.def_readonly("version", &Potential::version)
      .def_readonly("name", &Potential::name)
      .def_readonly("tag", &Potential::tag)
      .def_readonly("scaling", &Potential::scaling)
      .def_readonly("min_dist", &Potential::min_dist)
      .def_readonly("max_dist", &Potential::max_dist)
      .def_readonly("radial_size", &Potential::radial_size)
      .def_readonly("radial_count", &Potential::radial_count)
      .def_readonly("species_count", &Potential::species_count)
      .def_property_readonly("types", [](const Potential& p) { return py::tuple(py::cast(p.types)); })
      .def_property_readonly("radial_basis",
                             [](const Potential& p) {
                               return p.radial_basis == RadialBasis::chebyshev ? "RBChebyshev" : "RBChebyshev_repuls";
                             })
      .def_property_readonly("radial_coeffs",
                             [](const Potential& p) {
                               return frozen(p.radial_coeffs,
                                             {p.species_count, p.species_count, p.radial_count, p.radial_size});
                             })
      .def_property_readonly("species_coeffs",
                             [](const Potential& p) { return frozen(p.species_coeffs, {p.species_count}); })
      .def_property_readonly("moment_coeffs",
                             [](const Potential& p) {
                               return frozen(p.moment_coeffs, {signed_size(p.basis.scalars.size())});
                             })
      .def_property_readonly("coeffs_count", &Potential::coeffs_count)
      .def_property_readonly("fitted", &Potential::fitted)
      .def_property_readonly("active_set", [](const Potential& p) { return p.active_set; })
      .def_property_readonly("has_active_set", [](const Potential& p) { return p.active_set.has_value(); });
}

void bind_basis(PotentialClass& cls) {
  cls.def_property_readonly("moments_count", [](const Potential& p) { return p.basis.moments_count; })
      .def_property_readonly("basics", [](const Potential& p) { return basics_array(p.basis); })
      .def_property_readonly("products", [](const Potential& p) { return products_array(p.basis); })
      .def_property_readonly("scalars", [](const Potential& p) {
        return frozen(p.basis.scalars, {signed_size(p.basis.scalars.size())});
      });
}

}  // namespace

void bind_potential(py::module_& m) {
  bind_active_set(m);
  PotentialClass cls(m, "Potential", "A moment tensor potential as data; immutable.");
  bind_parameters(cls);
  bind_basis(cls);
  cls.def_static("from_bytes", &from_bytes, py::arg("data"), py::arg("source") = "<memory>")
      .def_static("from_level", &from_level, py::arg("level"), py::kw_only(), py::arg("species_count"),
                  py::arg("min_dist"), py::arg("max_dist"), py::arg("radial_size"), py::arg("radial_basis"),
                  py::arg("scaling"), py::call_guard<py::gil_scoped_release>())
      .def("to_bytes", &to_bytes, py::arg("format") = "almtp")
      .def("replaced", &replaced, py::kw_only(), py::arg("radial_coeffs") = py::none(),
           py::arg("species_coeffs") = py::none(), py::arg("moment_coeffs") = py::none(),
           py::arg("name") = py::none(), py::arg("tag") = py::none(), py::arg("min_dist") = py::none(),
           py::arg("scaling") = py::none(), py::arg("types") = py::none(), py::arg("active_set") = py::none())
      .def(py::pickle([](const Potential& p) { return to_bytes(p, "almtp"); },
                      [](const py::bytes& bytes) { return from_bytes(bytes, "<pickle>"); }));
  m.def("scalars_count", &scalars_count, py::arg("level"));
}

}  // namespace betalps::python
