// Molecular dynamics in the core. Long runs release the GIL and look for Ctrl-C ten times a second.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "betalps/dynamics.hpp"
#include "bindings.hpp"

namespace py = pybind11;

namespace betalps::python {
namespace {

using DoubleArray = py::array_t<double, py::array::c_style | py::array::forcecast>;
using IntArray = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;
using ChainTuple = std::tuple<double, int, int>;  // damping time, links, loops

constexpr std::chrono::milliseconds kLookForSignals{100};

CellMotion parse_motion(const std::string& name) {
  if (name == "fixed") return CellMotion::fixed;
  if (name == "isotropic") return CellMotion::isotropic;
  if (name == "full") return CellMotion::full;
  if (name == "axes") return CellMotion::axes;
  throw std::invalid_argument("cell motion: found \"" + name + "\", expected fixed, isotropic, full or axes");
}

const char* name(Event event) {
  switch (event) {
    case Event::none: return "none";
    case Event::interrupted: return "interrupted";
    case Event::select: return "select";
    case Event::stop: return "stop";
    case Event::not_finite: return "not finite";
    case Event::temperature: return "temperature";
    case Event::fast: return "fast";
    case Event::strained: return "strained";
  }
  return "unknown";
}

std::optional<ChainSettings> chain(const std::optional<ChainTuple>& given) {
  if (!given) return {};
  return ChainSettings{std::get<0>(*given), std::get<1>(*given), std::get<2>(*given)};
}

std::vector<double> vector_of(const DoubleArray& array) { return {array.data(), array.data() + array.size()}; }

py::array_t<double> array_of(const std::vector<double>& values) {
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::array_t<double> rows_of(const std::vector<double>& values) { return array_of(values).reshape({-1, 3}); }

py::array_t<double> array_of(const Cell& cell) { return py::array_t<double>({3, 3}, cell.data()); }

Cell cell_of(const DoubleArray& array) {
  if (array.size() != 9) throw std::invalid_argument("cell: expected shape (3, 3)");
  Cell cell;
  std::copy_n(array.data(), 9, cell.begin());
  return cell;
}

py::array_t<double> array_of(const Ramp& ramp) {
  const auto begin = static_cast<double>(ramp.begin), steps = static_cast<double>(ramp.steps);
  return array_of(std::vector<double>{ramp.from, ramp.to, begin, steps});
}

Ramp ramp_of(const DoubleArray& array) {
  if (array.size() != 4) throw std::invalid_argument("state: a ramp has 4 numbers");
  const double* a = array.data();
  return {a[0], a[1], static_cast<std::int64_t>(a[2]), static_cast<std::int64_t>(a[3])};
}

py::dict dict_of(const DynamicsState& state) {
  py::dict dict;
  dict["step"] = py::array(py::int_(state.step));
  dict["positions"] = rows_of(state.positions);
  dict["momenta"] = rows_of(state.momenta);
  dict["cell"] = array_of(state.cell);
  dict["list_positions"] = rows_of(state.list_positions);
  dict["list_cell"] = array_of(state.list_cell);
  dict["thermostat"] = array_of(state.thermostat);
  dict["barostat"] = array_of(state.barostat);
  dict["cell_momenta"] = array_of(state.cell_momenta);
  dict["axes"] = array_of(state.axes);
  dict["targets"] = array_of(std::vector<double>{state.temperature, state.pressure});
  dict["temperature_ramp"] = array_of(state.temperature_ramp);
  dict["pressure_ramp"] = array_of(state.pressure_ramp);
  dict["work"] = py::array(py::float_(state.work));
  return dict;
}

DynamicsState state_of(const py::dict& dict) {
  const auto entry = [&dict](const char* key) {
    if (!dict.contains(key)) throw std::invalid_argument(std::string("state: it lacks \"") + key + "\"");
    return DoubleArray(dict[key]);
  };
  const auto numbers = [&entry](const char* key, py::ssize_t size) {
    const DoubleArray array = entry(key);
    if (array.size() != size)
      throw std::invalid_argument(std::string("state: \"") + key + "\" has " + std::to_string(array.size()) +
                                  " numbers, expected " + std::to_string(size));
    return array;
  };
  DynamicsState state;
  state.step = static_cast<std::int64_t>(numbers("step", 1).data()[0]);
  state.positions = vector_of(entry("positions"));
  state.momenta = vector_of(entry("momenta"));
  state.cell = cell_of(entry("cell"));
  state.list_positions = vector_of(entry("list_positions"));
  state.list_cell = cell_of(entry("list_cell"));
  state.thermostat = vector_of(entry("thermostat"));
  state.barostat = vector_of(entry("barostat"));
  state.cell_momenta = vector_of(entry("cell_momenta"));
  state.axes = cell_of(entry("axes"));
  const DoubleArray targets = numbers("targets", 2);
  state.temperature = targets.data()[0];
  state.pressure = targets.data()[1];
  state.temperature_ramp = ramp_of(entry("temperature_ramp"));
  state.pressure_ramp = ramp_of(entry("pressure_ramp"));
  state.work = numbers("work", 1).data()[0];
  return state;
}

/// A Dynamics that only one thread uses at a time.
class PyDynamics {
 public:
  PyDynamics(const Potential& potential, const DoubleArray& positions, const DoubleArray& momenta,
             const DoubleArray& masses, const IntArray& species, const DoubleArray& cell, const Periodic& pbc,
             const DynamicsSettings& settings, double temperature, double pressure)
      : dynamics_(potential,
                  {vector_of(positions), vector_of(momenta), vector_of(masses),
                   {species.data(), species.data() + species.size()}, cell_of(cell), pbc},
                  settings, temperature, pressure) {}

  py::tuple run(std::int64_t steps) {
    const Turn turn(busy_);
    Outcome outcome;
    {
      py::gil_scoped_release release;
      auto last = std::chrono::steady_clock::now();
      outcome = dynamics_.run(steps, [&last] {
        const auto now = std::chrono::steady_clock::now();
        if (now - last < kLookForSignals) return false;
        last = now;
        py::gil_scoped_acquire acquire;
        return PyErr_CheckSignals() != 0;
      });
    }
    if (PyErr_Occurred()) throw py::error_already_set();
    return tuple(outcome);
  }

  py::tuple grade() {
    const Turn turn(busy_);
    Outcome outcome;
    {
      py::gil_scoped_release release;
      outcome = dynamics_.grade();
    }
    return tuple(outcome);
  }

  py::list take_grades() {
    const Turn turn(busy_);
    py::list checks;
    for (const Outcome& check : dynamics_.take_grades()) checks.append(tuple(check));
    return checks;
  }

  py::dict results() {
    const Turn turn(busy_);
    const std::size_t n = dynamics_.atoms();
    py::array_t<double> forces({n, std::size_t(3)}), virials({n, std::size_t(6)});
    py::array_t<double> energies(static_cast<py::ssize_t>(n));
    dynamics_.results(forces.mutable_data(), energies.mutable_data(), virials.mutable_data());
    py::dict results;
    results["energy"] = dynamics_.potential_energy();
    results["energies"] = energies;
    results["forces"] = forces;
    results["virials"] = virials;
    const std::vector<double>& grades = dynamics_.grades();
    if (!grades.empty()) results["grades"] = array_of(grades);
    return results;
  }

  void set(const DoubleArray& positions, const DoubleArray& momenta, const DoubleArray& cell) {
    const Turn turn(busy_);
    const auto size = static_cast<py::ssize_t>(3 * dynamics_.atoms());
    if (positions.size() != size || momenta.size() != size)
      throw std::invalid_argument("positions and momenta: expected shape (" + std::to_string(size / 3) + ", 3)");
    dynamics_.set_positions(positions.data());
    dynamics_.set_momenta(momenta.data());
    dynamics_.set_cell(cell_of(cell));
  }

  py::dict times() const {
    const DynamicsTimes& t = dynamics_.times();
    py::dict times;
    times["rebuild"] = t.rebuild;
    times["list"] = t.list;
    times["kernel"] = t.kernel;
    times["gather"] = t.gather;
    times["motion"] = t.motion;
    times["grades"] = t.grades;
    return times;
  }

  void restore(const py::dict& state) {
    const Turn turn(busy_);
    dynamics_.restore(state_of(state));
  }

  /// The dynamics for a short call.
  template <class F>
  auto with(F&& f) {
    const Turn turn(busy_);
    return f(dynamics_);
  }

 private:
  /// A lock that does not wait: who waited with the GIL for one who looks for signals would wait for ever.
  class Turn {
   public:
    explicit Turn(std::atomic<bool>& busy) : busy_(busy) {
      if (busy_.exchange(true)) throw std::runtime_error("another thread is running these dynamics");
    }
    ~Turn() { busy_ = false; }

   private:
    std::atomic<bool>& busy_;
  };

  static py::tuple tuple(const Outcome& o) { return py::make_tuple(name(o.event), o.step, o.atom, o.value); }

  Dynamics dynamics_;
  std::atomic<bool> busy_{false};
};

std::unique_ptr<PyDynamics> make(const Potential& potential, const DoubleArray& positions, const DoubleArray& momenta,
                                 const DoubleArray& masses, const IntArray& species, const DoubleArray& cell,
                                 const Periodic& pbc, double timestep, double degrees_of_freedom, double temperature,
                                 double pressure, const std::optional<ChainTuple>& thermostat,
                                 const std::optional<ChainTuple>& barostat, const std::string& motion,
                                 const std::array<bool, 3>& axes, double cell_degrees_of_freedom,
                                 const std::string& precision, const std::string& isa, double skin, int threads) {
  DynamicsSettings settings;
  settings.timestep = timestep;
  settings.degrees_of_freedom = degrees_of_freedom;
  settings.thermostat = chain(thermostat);
  settings.barostat = chain(barostat);
  settings.cell = parse_motion(motion);
  settings.axes = axes;
  settings.cell_freedoms = cell_degrees_of_freedom;
  settings.precision = parse_precision(precision);
  settings.isa = isa.empty() ? default_isa() : parse_isa(isa);
  settings.skin = skin;
  settings.threads = threads;
  return std::make_unique<PyDynamics>(potential, positions, momenta, masses, species, cell, pbc, settings, temperature,
                                      pressure);
}

}  // namespace

void bind_dynamics(py::module_& m) {
  py::class_<PyDynamics> cls(m, "Dynamics", "Molecular dynamics of one structure, in the core. Use betalps.dynamics.");
  cls.def(py::init(&make), py::arg("potential"), py::kw_only(), py::arg("positions"), py::arg("momenta"),
          py::arg("masses"), py::arg("species"), py::arg("cell"), py::arg("pbc"), py::arg("timestep"),
          py::arg("degrees_of_freedom"), py::arg("temperature") = 0.0, py::arg("pressure") = 0.0,
          py::arg("thermostat") = py::none(), py::arg("barostat") = py::none(), py::arg("cell_motion") = "fixed",
          py::arg("axes") = std::array<bool, 3>{}, py::arg("cell_degrees_of_freedom") = 0.0,
          py::arg("precision") = "double", py::arg("isa") = "", py::arg("skin") = 1.0, py::arg("threads") = 1);
  cls.def("run", &PyDynamics::run, py::arg("steps"), "Returns (event, step, atom, value).")
      .def("grade", &PyDynamics::grade, "Grades the present structure; as run().")
      .def("take_grades", &PyDynamics::take_grades, "The outcomes of all checks since the last call.")
      .def("results", &PyDynamics::results)
      .def("set", &PyDynamics::set, py::arg("positions"), py::arg("momenta"), py::arg("cell"))
      .def("restore", &PyDynamics::restore, py::arg("state"))
      .def("state", [](PyDynamics& self) { return self.with([](Dynamics& d) { return dict_of(d.state()); }); })
      .def(
          "ramp",
          [](PyDynamics& self, double temperature, double pressure, std::int64_t steps) {
            self.with([&](Dynamics& d) { d.ramp(temperature, pressure, steps); });
          },
          py::arg("temperature"), py::arg("pressure"), py::arg("steps"))
      .def(
          "set_limits",
          [](PyDynamics& self, double coldest, double hottest, double displacement, double strain) {
            self.with([&](Dynamics& d) { d.set_limits({coldest, hottest, displacement, strain}); });
          },
          py::kw_only(), py::arg("coldest"), py::arg("hottest"), py::arg("displacement"), py::arg("strain"))
      .def(
          "set_watch",
          [](PyDynamics& self, std::int64_t interval, double select, double stop, std::int64_t offset) {
            self.with([&](Dynamics& d) { d.set_watch({interval, select, stop, offset}); });
          },
          py::kw_only(), py::arg("interval"), py::arg("select"), py::arg("stop"), py::arg("offset") = 0);
  const auto property = [&cls](const char* name, auto&& get) {
    cls.def_property_readonly(name, [get](PyDynamics& self) { return self.with(get); });
  };
  property("positions", [](Dynamics& d) { return rows_of(d.positions()); });
  property("momenta", [](Dynamics& d) { return rows_of(d.momenta()); });
  property("cell", [](Dynamics& d) { return array_of(d.cell()); });
  property("lost", [](Dynamics& d) { return d.lost(); });
  property("step", [](Dynamics& d) { return d.step(); });
  property("potential_energy", [](Dynamics& d) { return d.potential_energy(); });
  property("kinetic_energy", [](Dynamics& d) { return d.kinetic_energy(); });
  property("conserved_energy", [](Dynamics& d) { return d.conserved_energy(); });
  property("target_temperature", [](Dynamics& d) { return d.target_temperature(); });
  property("target_pressure", [](Dynamics& d) { return d.target_pressure(); });
  property("rebuilds", [](Dynamics& d) { return d.rebuilds(); });
  property("threads", [](Dynamics& d) { return d.threads(); });
  cls.def_property_readonly("times", &PyDynamics::times);
}

}  // namespace betalps::python
