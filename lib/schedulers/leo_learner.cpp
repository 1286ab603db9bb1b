#include "schedulers/leo_learner.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace alertbench {
namespace {

// The inverse of a symmetric positive definite matrix, by its Cholesky factor. `factor` is working space.
void invert(const std::vector<double>& a, size_t n, std::vector<double>& factor,
            std::vector<double>& result) {
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= factor[i * n + k] * factor[j * n + k];
      factor[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / factor[j * n + j];
    }
  // Solves L L^T x = unit vector for each column; the result is symmetric, so a column may lie in a row.
  for (size_t c = 0; c < n; ++c) {
    double* x = &result[c * n];
    for (size_t i = 0; i < n; ++i) {
      double sum = i == c ? 1 : 0;
      for (size_t k = c; k < i; ++k) sum -= factor[i * n + k] * x[k];
      x[i] = i < c ? 0 : sum / factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
      double sum = x[i];
      for (size_t k = i + 1; k < n; ++k) sum -= factor[k * n + i] * x[k];
      x[i] = sum / factor[i * n + i];
    }
  }
}

std::vector<double> mean_over(const std::vector<std::vector<double>>& rows) {
  std::vector<double> mean(rows.front().size());
  for (size_t i = 0; i < mean.size(); ++i) {
    for (const auto& row : rows) mean[i] += row[i];
    mean[i] /= static_cast<double>(rows.size());
  }
  return mean;
}

}  // namespace

LeoLearner::LeoLearner(std::vector<std::vector<double>> others)
    : others_(std::move(others)),
      n_(others_.front().size()),
      mean_of_others_(mean_over(others_)),
      mean_(mean_of_others_),
      sd_(n_, 1),
      mu_(n_),
      new_mu_(n_),
      prior_mean_(n_),
      right_(n_),
      w_(others_.size(), std::vector<double>(n_)),
      prior_(n_ * n_),
      inverse_prior_(n_ * n_),
      covariance_(n_ * n_),
      target_covariance_(n_ * n_),
      factor_(n_ * n_) {}

void LeoLearner::estimate(const Matrix& covariance, const std::vector<double>& right,
                          std::vector<double>& w) const {
  for (size_t i = 0; i < n_; ++i) {
    w[i] = 0;
    for (size_t k = 0; k < n_; ++k) w[i] += covariance[i * n_ + k] * right[k];
  }
}

void LeoLearner::learn(const std::vector<double>& values, const std::vector<char>& sampled, int iterations) {
  const double applications = static_cast<double>(others_.size()) + 1;
  const auto samples =
      static_cast<double>(std::count_if(sampled.begin(), sampled.end(), [](char s) { return s; }));
  mu_ = mean_of_others_;
  std::fill(prior_.begin(), prior_.end(), 0.0);
  for (size_t i = 0; i < n_; ++i) prior_[i * n_ + i] = 1;
  double v = 1;
  for (int iteration = 0; iteration < iterations; ++iteration) {
    invert(prior_, n_, factor_, inverse_prior_);
    estimate(inverse_prior_, mu_, prior_mean_);
    covariance_ = target_covariance_ = inverse_prior_;
    for (size_t i = 0; i < n_; ++i) {
      covariance_[i * n_ + i] += 1 / v;
      if (sampled[i]) target_covariance_[i * n_ + i] += 1 / v;
    }
    invert(covariance_, n_, factor_, prior_);
    covariance_.swap(prior_);
    invert(target_covariance_, n_, factor_, prior_);
    target_covariance_.swap(prior_);

    for (size_t l = 0; l < others_.size(); ++l) {
      for (size_t i = 0; i < n_; ++i) right_[i] = others_[l][i] / v + prior_mean_[i];
      estimate(covariance_, right_, w_[l]);
    }
    for (size_t i = 0; i < n_; ++i) right_[i] = (sampled[i] ? values[i] / v : 0) + prior_mean_[i];
    estimate(target_covariance_, right_, mean_);

    for (size_t i = 0; i < n_; ++i) {
      new_mu_[i] = mean_[i];
      for (const auto& w : w_) new_mu_[i] += w[i];
      new_mu_[i] /= applications + 1;
    }
    double squares = 0;
    for (size_t i = 0; i < n_; ++i) {
      for (size_t l = 0; l < others_.size(); ++l)
        squares += std::pow(others_[l][i] - w_[l][i], 2) + covariance_[i * n_ + i];
      if (sampled[i]) squares += std::pow(values[i] - mean_[i], 2) + target_covariance_[i * n_ + i];
      for (size_t k = 0; k < n_; ++k) {
        double sum = new_mu_[i] * new_mu_[k] + (i == k ? 3 : 0) + target_covariance_[i * n_ + k] +
                     static_cast<double>(others_.size()) * covariance_[i * n_ + k] +
                     (mean_[i] - mu_[i]) * (mean_[k] - mu_[k]);
        for (const auto& w : w_) sum += (w[i] - mu_[i]) * (w[k] - mu_[k]);
        prior_[i * n_ + k] = sum / (applications + 1);
      }
    }
    v = std::max(1e-12, squares / (static_cast<double>(others_.size() * n_) + samples));
    mu_ = new_mu_;
  }
  for (size_t i = 0; i < n_; ++i) sd_[i] = std::sqrt(std::max(0.0, target_covariance_[i * n_ + i]));
}

}  // namespace alertbench
