// The supervisor of SPECTR-like control as an explicit automaton (supervisory control theory: Ramadge and
// Wonham 1987). The plant is free to produce any of its events at any time; the supervisor disables
// controllable events so that the specification holds:
//   1. After `critical` under the QoS gains, the next controllable event is `to_power_gains`.
//   2. Under the power gains the power reference rises only if the last event about power was `safe`, and
//      came after the gains were switched.
//   3. The QoS gains return only if the last two events about power were `safe`, both since the switch.
//   4. Between two switches of gains, and between two steps of the reference, the plant has an event.
//   5. From every state, the QoS gains can be reached (it does not block).
// A test walks all words of up to 8 events and checks these.
#pragma once

#include <optional>

namespace alertbench {

class SpectrSupervisor {
 public:
  enum class Event {
    // Of the plant, over a period of inputs. At most one of each line; between `above` and `safe` there is no
    // event about power.
    late,  // too many inputs missed their deadlines
    met,
    critical,  // the mean power exceeds its limit
    above,     // ... is close below it
    safe,      // ... is well below it
    // Controllable.
    to_power_gains,
    to_qos_gains,
    lower_power,  // one step of the power reference
    raise_power,
  };
  static constexpr int events = 9;
  static bool controllable(Event event) { return event >= Event::to_power_gains; }

  enum class Gains { qos, power };
  enum class Reference { at_reference, lowering, raising };

  // Always true for an event of the plant.
  bool enabled(Event event) const;
  // Moves on. The event must be enabled.
  void take(Event event);
  // The controllable event to take now, one of the enabled ones; nullopt: wait for the plant. After at most
  // one switch and one step it waits. To be called after the events of a period, `late` or `met` first.
  // Switching comes first. Power above or close to its limit in this period lowers the reference, otherwise
  // lateness raises it. Without either, `saves` lowers it, to save energy; without `saves`, safe power in
  // this period raises it, to use what the limit allows.
  std::optional<Event> choice(bool saves) const;

  Gains gains() const { return gains_; }              // qos at the start
  Reference reference() const { return reference_; }  // the last step, until the plant's next event

 private:
  enum class Power { unknown, critical, above, safe, safe_twice };

  Gains gains_ = Gains::qos;
  Reference reference_ = Reference::at_reference;
  Power power_ = Power::unknown;  // under the power gains: since the switch
  bool late_ = false, met_ = false;
  bool power_is_new_ = false;  // since `late` or `met`
  bool must_switch_ = false;   // critical under the QoS gains
  bool may_switch_ = true, may_step_ = true;
};

}  // namespace alertbench
