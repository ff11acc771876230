#include "engine.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>

namespace betalps {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// The share of thread t of n things among `threads`, in multiples of `unit`.
std::size_t share(std::size_t n, int threads, int t, std::size_t unit) {
  const std::size_t units = (n + unit - 1) / unit;
  return std::min(n, units * static_cast<std::size_t>(t) / static_cast<std::size_t>(threads) * unit);
}

/// forces[i] = sum over threads of their private sums.
void sum_forces(const std::vector<const double*>& shares, std::size_t begin, std::size_t end, double* forces) {
  for (std::size_t i = begin; i < end; ++i)
    for (int c = 0; c < 3; ++c) {
      double sum = 0;
      for (const double* share : shares) sum += share[4 * i + c];
      forces[3 * i + c] = sum;
    }
}

}  // namespace

void PackedPairs::pack(const Pairs& pairs, int species_count, int lanes) {
  rows.resize(pairs.atoms + 1);
  std::vector<std::size_t> members(species_count, 0);
  for (std::size_t i = 0; i < pairs.atoms; ++i) {
    const std::int32_t species = pairs.species[i];
    if (species < 0 || species >= species_count)
      throw std::invalid_argument("species of atom " + std::to_string(i) + ": found " + std::to_string(species) +
                                  ", expected 0 to " + std::to_string(species_count - 1));
    const double* r = pairs.positions + 3 * i;
    rows[i] = {r[0], r[1], r[2], static_cast<std::int64_t>(i) << 32 | species};
    if (i < pairs.centres) ++members[species];
  }
  // padding points here: far from everything, so that it is never a neighbour of anything
  rows[pairs.atoms] = {1e150, 1e150, 1e150, static_cast<std::int64_t>(pairs.atoms) << 32};

  std::vector<std::vector<std::int32_t>> of_species(species_count);
  for (int z = 0; z < species_count; ++z) of_species[z].reserve(members[z]);
  longest = 0;
  for (std::size_t i = 0; i < pairs.centres; ++i) {
    of_species[pairs.species[i]].push_back(static_cast<std::int32_t>(i));
    longest = std::max(longest, static_cast<std::size_t>(pairs.first[i + 1] - pairs.first[i]));
  }

  // Centres are in the order of space: groups that follow it, whatever their species, share neighbours in the cache.
  struct Group {
    std::int32_t first;  // centre
    int species;
    std::size_t begin;
  };
  std::vector<Group> groups;
  for (int z = 0; z < species_count; ++z)
    for (std::size_t begin = 0; begin < of_species[z].size(); begin += lanes)
      groups.push_back({of_species[z][begin], z, begin});
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.first < b.first; });
  group_species.clear();
  centres.clear();
  for (const Group& group : groups) {
    const std::vector<std::int32_t>& from = of_species[group.species];
    group_species.push_back(group.species);
    for (std::size_t l = group.begin; l < group.begin + lanes; ++l) centres.push_back(l < from.size() ? from[l] : -1);
  }
}

template <class T>
TypedEngine<T>::TypedEngine(const Potential& potential, Isa isa)
    : kernel_(kernel_for<T>(isa)),
      compiled_(compile<T>(potential, kernel_.layout)),
      coefficients_(potential.coeffs_count()) {}

template <class T>
Scratch<T> TypedEngine<T>::scratch(ThreadBuffers<T>& buffers, bool forces, bool columns, const PackedGrades* grades,
                                   std::size_t atoms, bool timed) const {
  const Layout& layout = kernel_.layout;
  const Tables<T>& tables = compiled_->tables;
  const std::size_t lanes = layout.lanes, groups = layout.groups;
  Scratch<T> s{};
  // An odd number of vectors between records and lines: a power of two would map them to a few sets of the cache.
  s.capacity = round_up(packed_.longest + 8, 16) + 8;
  s.pair_stride = ((5 + 2 * static_cast<std::size_t>(tables.radial_count) + 1) | 1) * lanes;
  const auto at_least = [](auto& buffer, std::size_t size) {
    if (buffer.size() < size) buffer.resize(size);
    return buffer.data();
  };
  s.pairs = at_least(buffers.pairs, groups * s.capacity * s.pair_stride);
  s.indices = at_least(buffers.indices, groups * s.capacity * lanes);
  s.lanes = at_least(buffers.lanes, 4 * lanes * s.capacity);
  s.moments = at_least(buffers.moments, tables.moments * groups * lanes);
  s.adjoints = at_least(buffers.adjoints, tables.moments * groups * lanes);
  if (columns) {
    const std::size_t rows =
        static_cast<std::size_t>(tables.species) * tables.radial_count * tables.radial_size + 1 + tables.scalars;
    const std::size_t queues = static_cast<std::size_t>(tables.species), batch = layout.grade_batch;
    s.factors_stride = ((static_cast<std::size_t>(tables.radial_size) + 2 * tables.radial_count + 1) | 1) * lanes;
    s.factors = at_least(buffers.factors, s.capacity * s.factors_stride);
    s.columns = at_least(buffers.columns, queues * batch * rows * lanes);
    s.queue = at_least(buffers.queue, queues * batch);
    buffers.queued.assign(queues, 0);
    s.queued = buffers.queued.data();
    if (grades) s.kept = at_least(buffers.kept, batch * grades->kept_blocks * layout.grade_columns * lanes);
  }
  if (forces) {
    buffers.forces.assign(4 * (atoms + 1), 0.0);
    s.forces = buffers.forces.data();
  }
  s.seconds = timed ? buffers.seconds.data() : nullptr;
  s.clock = &seconds_now;
  return s;
}

template <class T>
void TypedEngine<T>::run(const Pairs& pairs, const Wanted& wanted, const PackedGrades* grades, ThreadPool& pool,
                         StageTimes* times) {
  const Layout& layout = kernel_.layout;
  packed_.pack(pairs, compiled_->tables.species, layout.lanes);
  Call<T> call{};
  call.tables = &compiled_->tables;
  call.rows = packed_.rows.data();
  call.dummy = static_cast<std::uint32_t>(pairs.atoms);
  call.first = pairs.first;
  call.neighbours = pairs.neighbours;
  call.centres_count = pairs.centres;
  call.centres = packed_.centres.data();
  call.group_species = packed_.group_species.data();
  call.groups = packed_.groups();
  call.site_energies = wanted.output.site_energies;
  call.site_virials = wanted.output.site_virials;
  call.gradient = wanted.output.forces != nullptr || wanted.output.site_virials != nullptr;
  call.site_rows = wanted.site_rows;
  call.coefficients = coefficients_;
  if (wanted.grades) {
    call.grade_tables = grades->tables.data();
    call.grades = wanted.grades;
  }
  std::vector<double> energies;
  if (!call.site_energies) {
    energies.resize(pairs.centres);
    call.site_energies = energies.data();
  }

  const int threads = pool.threads();
  buffers_.resize(std::max(buffers_.size(), static_cast<std::size_t>(threads)));
  std::vector<const double*> shares(threads);
  const bool columns = call.site_rows || call.grade_tables;
  pool.run([&](int t) {
    ThreadBuffers<T>& buffers = buffers_[t];
    buffers.seconds.fill(0);
    const Scratch<T> own = scratch(buffers, call.gradient, columns, wanted.grades ? grades : nullptr, pairs.atoms,
                                    times != nullptr);
    shares[t] = own.forces;
    kernel_.run(call, own, share(call.groups, threads, t, layout.groups), share(call.groups, threads, t + 1, layout.groups));
  });
  if (wanted.output.forces) {
    if (threads == 1)
      sum_forces(shares, 0, pairs.atoms, wanted.output.forces);
    else
      pool.run([&](int t) {
        sum_forces(shares, share(pairs.atoms, threads, t, 64), share(pairs.atoms, threads, t + 1, 64),
                   wanted.output.forces);
      });
  }
  if (times)
    for (int t = 0; t < threads; ++t)
      for (int stage = 0; stage < StageTimes::count; ++stage) times->seconds[stage] += buffers_[t].seconds[stage];
}

template class TypedEngine<double>;
template class TypedEngine<float>;

}  // namespace betalps
