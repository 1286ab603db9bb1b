#include "schedulers/spectr_supervisor.h"

namespace alertbench {

bool SpectrSupervisor::enabled(Event event) const {
  if (!controllable(event)) return true;
  if (must_switch_) return event == Event::to_power_gains && may_switch_;
  switch (event) {
    case Event::to_power_gains:
      return false;  // only on `critical`
    case Event::to_qos_gains:
      return gains_ == Gains::power && power_ == Power::safe_twice && may_switch_;
    case Event::raise_power:
      return may_step_ && (gains_ == Gains::qos || power_ == Power::safe || power_ == Power::safe_twice);
    default:
      return may_step_;
  }
}

void SpectrSupervisor::take(Event event) {
  if (!controllable(event)) {
    may_switch_ = may_step_ = true;
    reference_ = Reference::at_reference;
  }
  if (event == Event::critical || event == Event::above || event == Event::safe) power_is_new_ = true;
  switch (event) {
    case Event::late:
    case Event::met:
      late_ = event == Event::late;
      met_ = !late_;
      power_is_new_ = false;
      break;
    case Event::critical:
      power_ = Power::critical;
      must_switch_ = gains_ == Gains::qos;
      break;
    case Event::above:
      power_ = Power::above;
      break;
    case Event::safe:
      power_ = power_ == Power::safe || power_ == Power::safe_twice ? Power::safe_twice : Power::safe;
      break;
    case Event::to_power_gains:
      gains_ = Gains::power;
      must_switch_ = may_switch_ = false;
      if (power_ != Power::critical && power_ != Power::above) power_ = Power::unknown;
      break;
    case Event::to_qos_gains:
      gains_ = Gains::qos;
      may_switch_ = false;
      break;
    case Event::lower_power:
      reference_ = Reference::lowering;
      may_step_ = false;
      break;
    case Event::raise_power:
      reference_ = Reference::raising;
      may_step_ = false;
      break;
  }
}

std::optional<SpectrSupervisor::Event> SpectrSupervisor::choice(bool saves) const {
  for (const Event event : {Event::to_power_gains, Event::to_qos_gains})
    if (enabled(event)) return event;
  const bool hot = power_is_new_ && (power_ == Power::critical || power_ == Power::above);
  const bool cold = power_is_new_ && (power_ == Power::safe || power_ == Power::safe_twice);
  const Event step = hot || (!late_ && saves) ? Event::lower_power : Event::raise_power;
  const bool wanted = hot || late_ || (saves ? met_ : cold);
  return wanted && enabled(step) ? std::optional(step) : std::nullopt;
}

}  // namespace alertbench
