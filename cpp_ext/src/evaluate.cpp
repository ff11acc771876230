#include "betalps/evaluate.hpp"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine.hpp"

namespace betalps {

const std::array<const char*, StageTimes::count> StageTimes::names = {
    "filter", "radial", "basics", "products forward", "products backward", "pair gradients", "scatter", "columns", "grades"};

struct Engine {
  Potential potential;
  Isa isa;
  Precision precision;
  std::unique_ptr<TypedEngine<double>> float64;  // also for the derivatives by coefficients, made when first needed
  std::unique_ptr<TypedEngine<float>> float32;
  std::unique_ptr<PackedGrades> grades;
  bool timed = false;
  StageTimes times;

  void run(const Pairs& pairs, const Wanted& wanted, ThreadPool& pool) {
    StageTimes* const clock = timed ? &times : nullptr;
    if (float32 && !wanted.site_rows && !wanted.grades) {
      float32->run(pairs, wanted, nullptr, pool, clock);
      return;
    }
    if (!float64) float64 = std::make_unique<TypedEngine<double>>(potential, isa);
    float64->run(pairs, wanted, grades.get(), pool, clock);
  }
};

Evaluator::Evaluator(const Potential& potential, Precision precision, Isa isa)
    : engine_(new Engine{potential, isa, precision, nullptr, nullptr, nullptr, false, {}}) {
  if (precision == Precision::float64)
    engine_->float64 = std::make_unique<TypedEngine<double>>(potential, isa);
  else
    engine_->float32 = std::make_unique<TypedEngine<float>>(potential, isa);
}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;

void Evaluator::evaluate(const Pairs& pairs, const Output& output, ThreadPool& pool) {
  Wanted wanted;
  wanted.output = output;
  engine_->run(pairs, wanted, pool);
}

void Evaluator::evaluate_with_grades(const Pairs& pairs, const Output& output, double* grades, ThreadPool& pool) {
  const Potential& potential = engine_->potential;
  if (!potential.active_set)
    throw std::invalid_argument("the potential has no active set: the extrapolation grade needs one");
  if (!potential.active_set->neighbourhood_mode())
    throw std::invalid_argument(
        "the active set grades whole configurations (its site_en_weight is 0): site grades need one selected by "
        "neighbourhoods");
  if (!engine_->grades)
    engine_->grades = pack_grades(potential, kernel_for<double>(engine_->isa).layout.grade_columns);
  Wanted wanted;
  wanted.grades = grades;
  if (engine_->float32)
    evaluate(pairs, output, pool);  // grades are always in double precision, and change nothing else
  else
    wanted.output = output;
  engine_->run(pairs, wanted, pool);
}

void Evaluator::site_gradients(const Pairs& pairs, double* rows, ThreadPool& pool) {
  std::fill(rows, rows + pairs.centres * coeffs_count(), 0.0);
  Wanted wanted;
  wanted.site_rows = rows;
  engine_->run(pairs, wanted, pool);
}

std::size_t Evaluator::coeffs_count() const { return engine_->potential.coeffs_count(); }
Isa Evaluator::isa() const { return engine_->isa; }
Precision Evaluator::precision() const { return engine_->precision; }
void Evaluator::profile(bool on) {
  engine_->timed = on;
  engine_->times = {};
}
const StageTimes& Evaluator::stage_times() const { return engine_->times; }

double grade(const ActiveSet& active_set, const double* row) {
  double largest = 0;
  for (std::size_t k = 0; k < active_set.size; ++k) {
    const double* column = &active_set.inverse_transpose[k * active_set.size];
    double sum = 0;
    for (std::size_t c = 0; c < active_set.size; ++c) sum += row[c] * column[c];
    largest = std::max(largest, std::abs(sum));
  }
  return largest;
}

double measure_peak_flops(Isa isa, Precision precision) {
  const auto peak = precision == Precision::float64 ? kernel_for<double>(isa).peak : kernel_for<float>(isa).peak;
  const auto processor_time = [] {  // of this thread alone, so that other work on the machine does not count
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
  };
  double best = 0;
  peak(100000);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double began = processor_time();
    const double operations = peak(500000);
    best = std::max(best, operations / (processor_time() - began));
  }
  return best;
}

}  // namespace betalps
