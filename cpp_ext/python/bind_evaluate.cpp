#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "betalps/evaluate.hpp"
#include "betalps/neighbours.hpp"
#include "betalps/threads.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace betalps::python {

Precision parse_precision(const std::string& name) {
  if (name == "double") return Precision::float64;
  if (name == "mixed") return Precision::mixed;
  throw std::invalid_argument("precision: found \"" + name + "\", expected \"double\" or \"mixed\"");
}

namespace {

using DoubleArray = py::array_t<double, py::array::c_style | py::array::forcecast>;
using IntArray = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

/// One structure as it comes from Python, checked.
struct Structure {
  std::size_t atoms;
  DoubleArray positions;
  IntArray species;
  Cell cell;
  Periodic periodic;

  Structure(const DoubleArray& positions, const IntArray& species, const DoubleArray& cell_array,
            const std::array<bool, 3>& pbc)
      : positions(positions), species(species), periodic(pbc) {
    if (positions.ndim() != 2 || positions.shape(1) != 3) throw std::invalid_argument("positions: expected shape (n, 3)");
    atoms = static_cast<std::size_t>(positions.shape(0));
    if (species.ndim() != 1 || species.shape(0) != positions.shape(0))
      throw std::invalid_argument("species: found " + std::to_string(species.size()) + " numbers, expected one for each of " +
                                  std::to_string(atoms) + " atoms");
    if (cell_array.ndim() != 2 || cell_array.shape(0) != 3 || cell_array.shape(1) != 3)
      throw std::invalid_argument("cell: expected shape (3, 3)");
    std::copy(cell_array.data(), cell_array.data() + 9, cell.begin());
  }
};

/// A potential, the neighbour list of the last structure, and threads, ready to be called again and again.
class Engine {
 public:
  Engine(const Potential& potential, int threads, const std::string& precision, double skin, const std::string& isa)
      : evaluator_(potential, parse_precision(precision), isa.empty() ? default_isa() : parse_isa(isa)),
        neighbours_(potential.max_dist, skin),
        pool_(threads) {}

  py::dict compute(const Structure& structure, bool forces, bool virials, bool grades) {
    const std::size_t n = structure.atoms;
    py::array_t<double> energies(static_cast<py::ssize_t>(n)), force_array, virial_array, grade_array;
    if (forces) force_array = py::array_t<double>({n, std::size_t(3)});
    if (virials) virial_array = py::array_t<double>({n, std::size_t(6)});
    if (grades) grade_array = py::array_t<double>(static_cast<py::ssize_t>(n));
    double* const energy = energies.mutable_data();
    double* const force = forces ? force_array.mutable_data() : nullptr;
    double* const virial = virials ? virial_array.mutable_data() : nullptr;
    double* const site_grades = grades ? grade_array.mutable_data() : nullptr;
    const double* const positions = structure.positions.data();
    const std::int32_t* const species = structure.species.data();
    double total = 0;
    {
      py::gil_scoped_release release;
      const std::lock_guard<std::mutex> one_at_a_time(mutex_);
      const Pairs pairs = update(structure, positions, species);
      Output output;
      output.site_energies = resized(energies_, n);
      if (forces) output.forces = resized(forces_, 3 * pairs.atoms);
      if (virials) output.site_virials = resized(virials_, 6 * n);
      if (grades)
        evaluator_.evaluate_with_grades(pairs, output, resized(grades_, n), pool_);
      else
        evaluator_.evaluate(pairs, output, pool_);
      unsort(pairs, energy, force, virial, site_grades);
      for (std::size_t i = 0; i < n; ++i) total += energy[i];
    }
    py::dict results;
    results["energy"] = total;
    results["energies"] = energies;
    if (forces) results["forces"] = force_array;
    if (virials) results["virials"] = virial_array;
    if (grades) results["grades"] = grade_array;
    return results;
  }

  py::array_t<double> site_gradients(const Structure& structure) {
    const std::size_t n = structure.atoms, columns = evaluator_.coeffs_count();
    py::array_t<double> rows({n, columns});
    double* const out = rows.mutable_data();
    const double* const positions = structure.positions.data();
    const std::int32_t* const species = structure.species.data();
    py::gil_scoped_release release;
    const std::lock_guard<std::mutex> one_at_a_time(mutex_);
    const Pairs pairs = update(structure, positions, species);
    std::vector<double> sorted(n * columns);
    evaluator_.site_gradients(pairs, sorted.data(), pool_);
    for (std::size_t i = 0; i < n; ++i)
      std::copy_n(&sorted[i * columns], columns, out + neighbours_.order()[i] * columns);
    return rows;
  }

  void reset() {
    const std::lock_guard<std::mutex> one_at_a_time(mutex_);
    neighbours_.clear();
  }
  std::size_t rebuilds() const { return neighbours_.rebuilds(); }
  double skin() const { return neighbours_.skin(); }
  int threads() const { return pool_.threads(); }
  std::string isa() const { return name(evaluator_.isa()); }
  std::size_t pairs_count() const { return static_cast<std::size_t>(pairs_count_); }

  void profile(bool on) { evaluator_.profile(on); }
  py::dict stage_times() const {
    py::dict times;
    for (int stage = 0; stage < StageTimes::count; ++stage)
      times[StageTimes::names[stage]] = evaluator_.stage_times().seconds[stage];
    return times;
  }

 private:
  Pairs update(const Structure& structure, const double* positions, const std::int32_t* species) {
    neighbours_.update(structure.atoms, positions, species, structure.cell, structure.periodic);
    const Pairs pairs = neighbours_.pairs();
    pairs_count_ = pairs.centres ? pairs.first[pairs.centres] : 0;
    return pairs;
  }

  static double* resized(std::vector<double>& buffer, std::size_t size) {
    if (buffer.size() < size) buffer.resize(size);
    return buffer.data();
  }

  /// From the list's order to the caller's; what ghosts feel goes to their parents.
  void unsort(const Pairs& pairs, double* energy, double* force, double* virial, double* grades) {
    const std::vector<std::int32_t>& order = neighbours_.order();
    if (force) neighbours_.fold_ghosts(forces_.data());
    for (std::size_t i = 0; i < pairs.centres; ++i) {
      const auto to = static_cast<std::size_t>(order[i]);
      energy[to] = energies_[i];
      if (force) std::copy_n(&forces_[3 * i], 3, force + 3 * to);
      if (virial) std::copy_n(&virials_[6 * i], 6, virial + 6 * to);
      if (grades) grades[to] = grades_[i];
    }
  }

  Evaluator evaluator_;
  NeighbourList neighbours_;
  ThreadPool pool_;
  std::mutex mutex_;
  std::int64_t pairs_count_ = 0;
  std::vector<double> energies_, forces_, virials_, grades_;
};

}  // namespace

void bind_evaluate(py::module_& m) {
  py::class_<Engine>(m, "Engine")
      .def(py::init<const Potential&, int, const std::string&, double, const std::string&>(), py::arg("potential"),
           py::kw_only(), py::arg("threads") = 1, py::arg("precision") = "double", py::arg("skin") = 1.0,
           py::arg("isa") = "")
      .def(
          "compute",
          [](Engine& engine, const DoubleArray& positions, const IntArray& species, const DoubleArray& cell,
             const std::array<bool, 3>& pbc, bool forces, bool virials, bool grades) {
            return engine.compute(Structure(positions, species, cell, pbc), forces, virials, grades);
          },
          py::arg("positions"), py::arg("species"), py::arg("cell"), py::arg("pbc"), py::kw_only(),
          py::arg("forces") = true, py::arg("virials") = false, py::arg("grades") = false)
      .def(
          "site_gradients",
          [](Engine& engine, const DoubleArray& positions, const IntArray& species, const DoubleArray& cell,
             const std::array<bool, 3>& pbc) {
            return engine.site_gradients(Structure(positions, species, cell, pbc));
          },
          py::arg("positions"), py::arg("species"), py::arg("cell"), py::arg("pbc"))
      .def("reset", &Engine::reset)
      .def("profile", &Engine::profile, py::arg("on"))
      .def_property_readonly("stage_times", &Engine::stage_times)
      .def_property_readonly("rebuilds", &Engine::rebuilds)
      .def_property_readonly("pairs", &Engine::pairs_count)
      .def_property_readonly("skin", &Engine::skin)
      .def_property_readonly("threads", &Engine::threads)
      .def_property_readonly("isa", &Engine::isa);

  m.def(
      "configuration_grade",
      [](const Potential& potential, const py::array_t<double, py::array::c_style | py::array::forcecast>& row) {
        if (!potential.active_set) throw std::invalid_argument("the potential has no active set");
        if (static_cast<std::size_t>(row.size()) != potential.active_set->size)
          throw std::invalid_argument("row: found " + std::to_string(row.size()) + " numbers, expected " +
                                      std::to_string(potential.active_set->size));
        return grade(*potential.active_set, row.data());
      },
      py::arg("potential"), py::arg("row"));
  m.def("available_isas", [] {
    std::vector<std::string> names;
    for (const Isa isa : available_isas()) names.emplace_back(name(isa));
    return names;
  });
  m.def(
      "measure_peak_flops",
      [](const std::string& isa, const std::string& precision) {
        const Isa which = parse_isa(isa);
        const Precision how = parse_precision(precision);
        py::gil_scoped_release release;
        return measure_peak_flops(which, how);
      },
      py::arg("isa"), py::arg("precision") = "double");
}

}  // namespace betalps::python
