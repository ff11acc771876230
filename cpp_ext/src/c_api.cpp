#include "betalps/c_api.h"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "betalps/evaluate.hpp"
#include "betalps/io.hpp"

struct betalps_model {
  betalps::Potential potential;
  betalps::Evaluator evaluator;
  betalps::ThreadPool pool;
  std::vector<std::string> species;
};

namespace {

/// Symbols after "species:" in the tag: how files written by betalps name their species. Empty strings otherwise.
std::vector<std::string> species_names(const betalps::Potential& potential) {
  const std::string key = "species:";
  const std::string& tag = potential.tag;
  std::vector<std::string> names;
  std::size_t at = tag.find(key);
  while (at != std::string::npos && at > 0 && tag[at - 1] != ' ' && tag[at - 1] != '\t') at = tag.find(key, at + 1);
  if (at != std::string::npos) {
    const std::size_t begin = at + key.size();
    std::string word = tag.substr(begin, tag.find_first_of(" \t", begin) - begin) + ",";
    for (std::size_t end; (end = word.find(',')) != std::string::npos; word.erase(0, end + 1))
      names.push_back(word.substr(0, end));
  }
  if (names.size() != static_cast<std::size_t>(potential.species_count)) names.assign(potential.species_count, "");
  return names;
}

/// Runs `work`; an exception becomes its message and `failed`.
template <class Work, class Result>
Result guarded(char* message, std::size_t size, Result failed, const Work& work) {
  std::string reason;
  try {
    return work();
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
    reason = "unknown exception";
  }
  if (message && size > 0) {
    const std::size_t length = std::min(reason.size(), size - 1);
    std::copy_n(reason.data(), length, message);
    message[length] = '\0';
  }
  return failed;
}

}  // namespace

int betalps_abi(void) { return BETALPS_ABI; }

betalps_model* betalps_open(const char* path, int threads, int mixed, char* message, size_t size) {
  return guarded(message, size, static_cast<betalps_model*>(nullptr), [&] {
    const betalps::Potential potential = betalps::read_potential(path);
    const auto precision = mixed ? betalps::Precision::mixed : betalps::Precision::float64;
    return new betalps_model{potential, betalps::Evaluator(potential, precision), betalps::ThreadPool(threads),
                             species_names(potential)};
  });
}

void betalps_close(betalps_model* model) { delete model; }

double betalps_cutoff(const betalps_model* model) { return model->potential.max_dist; }

int betalps_species_count(const betalps_model* model) { return model->potential.species_count; }

const char* betalps_species(const betalps_model* model, int species) {
  return species < 0 || species >= model->potential.species_count ? "" : model->species[species].c_str();
}

int betalps_has_grades(const betalps_model* model) {
  return model->potential.active_set && model->potential.active_set->neighbourhood_mode();
}

int betalps_evaluate(betalps_model* model, const betalps_pairs* pairs, const betalps_output* output, char* message,
                     size_t size) {
  return guarded(message, size, 1, [&] {
    const betalps::Pairs view{pairs->centres, pairs->atoms, pairs->positions,
                              pairs->species, pairs->first, pairs->neighbours};
    const betalps::Output wanted{output->site_energies, output->forces, output->site_virials};
    if (output->grades)
      model->evaluator.evaluate_with_grades(view, wanted, output->grades, model->pool);
    else
      model->evaluator.evaluate(view, wanted, model->pool);
    return 0;
  });
}
