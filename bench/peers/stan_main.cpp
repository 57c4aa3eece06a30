// A Stan model (STAN_MODEL, made by stanc) under the dialogue of bench/peers/sampler.py: Stan's own
// headers sample and differentiate. The only argument is the file of data.
#include STAN_MODEL

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stan/callbacks/interrupt.hpp>
#include <stan/callbacks/stream_logger.hpp>
#include <stan/callbacks/structured_writer.hpp>
#include <stan/callbacks/writer.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/model/log_prob_grad.hpp>
#include <stan/services/sample/hmc_nuts_diag_e_adapt.hpp>
#include <stan/version.hpp>
#include <string>
#include <vector>

namespace {

double seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

// What a run leaves; Stan calls it with every draw after warm-up, and with a text between the two.
class Draws : public stan::callbacks::writer {
 public:
  double leapfrogs = 0, divergences = 0, warm = 0;
  std::vector<double> values;
  size_t size = 0;

  void operator()(const std::vector<std::string>& names) override {
    size = names.size() - FIRST;
  }
  void operator()(const std::vector<double>& state) override {
    leapfrogs += state[4];
    divergences += state[5];
    values.insert(values.end(), state.begin() + FIRST, state.end());
  }
  void operator()(const std::string&) override {
    if (warm == 0) warm = seconds();
  }
  void operator()() override {}

 private:
  // lp__, accept_stat__, stepsize__, treedepth__, n_leapfrog__, divergent__, energy__
  static constexpr size_t FIRST = 7;
};

void gradient(const stan_model& model, long n) {
  std::vector<double> x(model.num_params_r()), g(x.size());
  std::vector<int> none;
  for (size_t i = 0; i < x.size(); i++) x[i] = 0.1 + 0.01 * (i % 7);
  const double first = x[0], start = seconds();
  for (long i = 0; i < n; i++) {
    x[0] = first + 1e-9 * (n - 1 - i);  // ends where the sums are taken
    stan::model::log_prob_grad<true, true>(model, x, none, g, &std::cerr);
  }
  const double us = 1e6 * (seconds() - start) / n;
  double sum = 0, weighted = 0;
  for (size_t i = 0; i < g.size(); i++) {
    sum += g[i];
    weighted += g[i] * (1 + i % 11);
  }
  std::printf("{\"us\": %.6g, \"size\": %zu, \"sums\": [%.17g, %.17g]}\n", us, g.size(), sum,
              weighted);
}

int run(stan_model& model, unsigned seed, int chains, int warmup, int draws, int depth,
        const std::string& path) {
  stan::io::empty_var_context nothing;
  stan::callbacks::interrupt interrupt;
  stan::callbacks::writer none;
  stan::callbacks::structured_writer structured;
  std::ostringstream told;
  stan::callbacks::stream_logger log(told, told, told, told, told);
  double leapfrogs = 0, divergences = 0, sampling = 0, took = 0;
  std::ofstream file(path, std::ios::binary);
  size_t size = 0;
  const std::vector<double> ones(model.num_params_r(), 1.0);
  const stan::io::array_var_context metric({"inv_metric"}, ones, {{ones.size()}});
  for (int chain = 1; chain <= chains; chain++) {
    Draws d;
    d.values.reserve(static_cast<size_t>(draws) * (ones.size() + 32));
    const double start = seconds();
    const int status = stan::services::sample::hmc_nuts_diag_e_adapt(
        model, nothing, metric, seed, chain, 2.0, warmup, draws, 1, false, 0, 1.0, 0.0, depth, 0.8,
        0.05, 0.75, 10.0, 75, 50, 25, interrupt, log, none, d, none, structured);
    const double end = seconds();
    if (status != 0) {
      std::cerr << told.str();
      return 1;
    }
    took += end - start;
    sampling += end - d.warm;
    leapfrogs += d.leapfrogs;
    divergences += d.divergences;
    size = d.size;
    file.write(reinterpret_cast<const char*>(d.values.data()), d.values.size() * sizeof(double));
  }
  std::printf("{\"seconds\": %.6g, \"sampling_s\": %.6g, \"leapfrogs\": %.0f, \"divergences\": "
              "%.0f, \"size\": %zu}\n",
              took, sampling, leapfrogs, divergences, size);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ifstream file(argv[1]);
  stan::json::json_data data(file);
  stan_model model(data, 1, &std::cerr);
  std::printf("{\"ready\": true, \"versions\": {\"stan\": \"%s.%s.%s\"}}\n",
              stan::MAJOR_VERSION.c_str(), stan::MINOR_VERSION.c_str(),
              stan::PATCH_VERSION.c_str());
  std::fflush(stdout);
  for (std::string line, word; std::getline(std::cin, line); std::fflush(stdout)) {
    std::istringstream words(line);
    words >> word;
    if (word == "gradient") {
      long n = 1;
      words >> n;
      gradient(model, n);
    } else if (word == "run") {
      unsigned seed = 1;
      int chains = 4, warmup = 1000, draws = 1000, depth = 10;
      std::string path;
      words >> seed >> chains >> warmup >> draws >> depth >> path;
      if (run(model, seed, chains, warmup, draws, depth, path) != 0) return 1;
    } else {
      break;
    }
  }
  return 0;
}
