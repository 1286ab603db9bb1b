// The algorithm of `price` once more, with its default constants, as plainly as possible: everything is
// computed anew for every input, one configuration at a time. Shares no code with lib/schedulers/price.cpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "core/profile.h"

namespace alertbench::fixture {

class PriceByHand {
 public:
  PriceByHand(const Profile& p, const Goals& goals, int64_t first_judged)
      : p_(p), goals_(goals), first_judged_(first_judged) {
    for (int m = 0; m < static_cast<int>(p.models.size()); ++m) by_name_.push_back(m);
    std::sort(by_name_.begin(), by_name_.end(), [&](int a, int b) {
      return p.models[static_cast<size_t>(a)].name < p.models[static_cast<size_t>(b)].name;
    });
    double low = 1, high = 0;
    for (const ModelProfile& m : p.models)
      for (double q : m.accuracy) low = std::min(low, q), high = std::max(high, q);
    sq_ = high - low;
    se_ = (*std::max_element(p.active_power_w.begin(), p.active_power_w.end()) - p.idle_power_w) *
          goals.deadline_s;
    for (int k = 0; k < 2; ++k) regime_[k].m = 0.5 * k;
  }

  Configuration decide(const Context& x) {
    context_ = x;
    if (x.members_left > 1) groups_ = true;
    const bool energy_task = goals_.task == Task::min_energy;
    mass_ = bin_masses();
    if (first_) {
      first_ = false;
      bottom_ = std::log(se_ / sq_) - 6, top_ = std::log(se_ / sq_) + 7;
      double a = bottom_, b = top_;
      for (int i = 0; i < 24; ++i) {
        const double mid = 0.5 * (a + b);
        const Expected e = best(std::exp(mid), 0).second;
        if (energy_task)
          (e.q >= *goals_.accuracy ? b : a) = mid;
        else
          (e.e <= *goals_.energy_j ? a : b) = mid;
      }
      theta_ = energy_task ? b : a;
    }
    const double shifted = theta_ + (energy_task ? 5 : -5) * sh();
    const auto chosen = best(std::exp(std::min(top_, std::max(bottom_, shifted))), eta_);
    expected_ = chosen.second;
    return chosen.first;
  }

  void observe(const Observation& o) {
    learn(o);
    late_ = late_ || o.stage_delivered == 0;
    if (context_.members_left == 1) {
      lb_ = groups_ ? std::max(-2.0, lb_ + (late_ ? 0.95 : -0.05))
                    : std::max(-8.0, lb_ + (late_ ? 0.93 : -0.07));
      eta_ = (groups_ ? 2 : 0.1) * se_ * std::max(0.0, lb_);
      late_ = false;
    }
    if (context_.input < first_judged_) return;
    ++cnt_;
    double hoped;
    if (goals_.task == Task::min_energy) {
      bank_ += (o.accuracy - *goals_.accuracy) / sq_;
      hoped = (expected_.q - *goals_.accuracy) / sq_;
    } else {
      bank_ += (*goals_.energy_j - *o.energy_j) / se_;
      hoped = (*goals_.energy_j - expected_.e) / se_;
    }
    const bool now = bank_ < 0;
    if (cnt_ > 15 && now && !below_) rho_ = std::min(25.0, rho_ + 5);
    rho_ = 6 + (rho_ - 6) * 0.998;
    below_ = now;
    const double step = 0.05 * std::min(1.0, std::max(-1.0, sh() - hoped));
    theta_ += goals_.task == Task::min_energy ? step : -step;
    theta_ = std::min(top_, std::max(bottom_, theta_));
  }

 private:
  struct Regime {
    double m = 0, v = 0.03, c = 10, w = 0.5, n = 0;
    std::vector<double> h = std::vector<double>(112, 0.0);
  };
  struct Expected {
    double q = 0, e = 0, l = 0;
  };

  static double edge(int b) { return -2 + 0.05 * b; }
  static double t4(double z) {
    const double u = z / std::sqrt(4 + z * z);
    return 0.5 + 0.75 * (u - std::pow(u, 3) / 3);
  }
  double before(int k) const { return 0.97 * regime_[k].w + 0.03 * regime_[1 - k].w; }
  double sh() const {
    if (cnt_ == 0) return 0;
    return std::min(0.5, std::max(-0.5, (rho_ - bank_) / std::min(60.0, std::max(30.0, 1.0 * cnt_))));
  }

  std::vector<double> bin_masses() const {
    std::vector<double> p(112, 0.0);
    for (int k = 0; k < 2; ++k) {
      const Regime& r = regime_[k];
      for (int b = 0; b < 112; ++b) {
        const double upper = b == 111 ? 1 : t4((edge(b + 1) - r.m) / std::sqrt(r.v));
        const double lower = b == 0 ? 0 : t4((edge(b) - r.m) / std::sqrt(r.v));
        p[static_cast<size_t>(b)] +=
            before(k) * (r.n * r.h[static_cast<size_t>(b)] + 10 * (upper - lower)) / (r.n + 10);
      }
    }
    return p;
  }

  // P(r <= limit) and E[r; r <= limit], linear within a bin.
  void up_to(double limit, double& share, double& mean) const {
    share = mean = 0;
    if (!(limit > 0)) return;
    for (int b = 0; b < 112; ++b) {
      const double part = std::min(1.0, std::max(0.0, (std::log(limit) - edge(b)) / 0.05));
      share += part * mass_[static_cast<size_t>(b)];
      mean += part * mass_[static_cast<size_t>(b)] * std::exp(edge(b) + 0.025);
    }
  }

  Expected expected(const Configuration& c) const {
    const ModelProfile& model = p_.models[static_cast<size_t>(c.model)];
    const double factor = p_.size_factor(c.model, context_.size);
    double all, share, mean;
    up_to(1e9, share, all);
    const double d = context_.deadline_from_start_s, per = context_.period_s;
    double due = d;
    if (!model.anytime() && context_.members_left > 1) {
      double fastest = 1e9;
      for (int m = 0; m < static_cast<int>(p_.models.size()); ++m)
        for (int cap = 0; cap < p_.caps(); ++cap)
          fastest = std::min(fastest, p_.latency_of({m, 1, cap}).mean_s);
      const double left = context_.group_deadline_from_start_s;
      due = d +
            0.15 * std::max(0.0,
                            left - static_cast<double>(context_.members_left - 1) * 1.3 * fastest * all - d);
    }
    Expected x;
    x.q = p_.fail_accuracy;
    double previous = p_.fail_accuracy;
    for (int s = 1; s <= c.stage; ++s) {
      up_to(due / (factor * p_.latency_of({c.model, s, c.cap}).mean_s), share, mean);
      const double q = model.accuracy[static_cast<size_t>(s - 1)];
      x.q += (q - previous) * share;
      previous = q;
      if (s == 1) x.l = 1 - share;
    }
    const double t = factor * p_.latency_of(c).mean_s;
    double busy, idle;
    if (model.anytime()) {
      busy = t * mean + d * (1 - share);
      idle = std::max(0.0, per - busy);
    } else {
      busy = t * all;
      up_to(per / t, share, mean);
      idle = std::max(0.0, per * share - t * mean);
    }
    x.e = p_.active_power_of(c.model, c.cap) * busy + p_.idle_power_w * (idle - context_.idle_charged_s);
    return x;
  }

  std::pair<Configuration, Expected> best(double lambda, double eta) const {
    std::pair<Configuration, Expected> found;
    double least = infinity;
    for (int m : by_name_)
      for (int s = 1; s <= p_.models[static_cast<size_t>(m)].stages(); ++s)
        for (int cap = 0; cap < p_.caps(); ++cap) {
          const Expected x = expected({m, s, cap});
          const double cost = x.e - lambda * x.q + eta * x.l;
          if (cost < least) least = cost, found = {{m, s, cap}, x};
        }
    return found;
  }

  void learn(const Observation& o) {
    const Configuration& c = o.configuration;
    const bool censored = o.stages_finished == 0;
    const double r = (censored ? o.busy_s : o.last_stage_end_s) /
                     (p_.latency_of({c.model, censored ? 1 : o.stages_finished, c.cap}).mean_s *
                      p_.size_factor(c.model, o.size));
    if (!std::isfinite(r) || r <= 1e-6) return;
    const double x = std::log(r);
    std::vector<double> kernel(112, 0.0);
    if (censored) {
      double sum = 0;
      for (int b = 0; b < 112; ++b)
        if (edge(b) + 0.025 >= x || b == 111)
          sum += kernel[static_cast<size_t>(b)] = mass_[static_cast<size_t>(b)];
      for (double& k : kernel) k /= sum;
    } else {
      const int left = static_cast<int>(std::floor((x - edge(0) - 0.025) / 0.05));
      const double right_share = (x - edge(left) - 0.025) / 0.05;
      const auto add = [&](int b, double share) {
        kernel[static_cast<size_t>(std::min(111, std::max(0, b)))] += share;
      };
      for (int i = -1; i <= 1; ++i) {
        add(left + i, (i == 0 ? 0.5 : 0.25) * (1 - right_share));
        add(left + 1 + i, (i == 0 ? 0.5 : 0.25) * right_share);
      }
    }
    double w[2], z[2], d[2];
    for (int k = 0; k < 2; ++k) {
      d[k] = x - regime_[k].m;
      z[k] = d[k] * d[k] / regime_[k].v;
      w[k] = before(k) * (censored ? 1 - t4(d[k] / std::sqrt(regime_[k].v)) + 1e-9
                                   : std::pow(1 + z[k] / 4, -2.5) / std::sqrt(regime_[k].v));
    }
    const double sum = w[0] + w[1];
    for (int k = 0; k < 2; ++k) {
      Regime& g = regime_[k];
      g.w = w[k] / sum;
      g.n = std::min(g.n * (1 - 0.01 * g.w) + g.w, 100.0);
      const double a = g.n > 0 ? std::min(1.0, g.w / g.n) : 0;
      for (size_t b = 0; b < 112; ++b) g.h[b] = (1 - a) * g.h[b] + a * kernel[b];
      if (censored) continue;
      g.c = std::min(g.c * (1 - 0.03 * g.w) + g.w, 1 / 0.03);
      const double y = 5 / (4 + z[k]), b = g.w / (g.c + 1);
      g.m += d[k] * g.w * y / (g.c + g.w * y);
      g.v = std::max(1e-4, (1 - b) * g.v + b * y * d[k] * d[k]);
    }
    if (regime_[0].m > regime_[1].m) std::swap(regime_[0], regime_[1]);
    const double missing = 0.1 - (regime_[1].m - regime_[0].m);
    if (missing > 0) regime_[0].m -= missing / 2, regime_[1].m += missing / 2;
  }

  const Profile& p_;
  const Goals goals_;
  const int64_t first_judged_;
  std::vector<int> by_name_;
  double sq_ = 0, se_ = 0;
  Regime regime_[2];
  std::vector<double> mass_;
  bool first_ = true, below_ = false, late_ = false, groups_ = false;
  double theta_ = 0, bottom_ = 0, top_ = 0, bank_ = 0, rho_ = 6, lb_ = 0, eta_ = 0;
  int cnt_ = 0;
  Context context_;
  Expected expected_;
};

}  // namespace alertbench::fixture
