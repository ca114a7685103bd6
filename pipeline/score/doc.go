// Package score is the arithmetic of intentd: how ready somebody is, from the signals they gave. It is pure. It reads no
// clock, does no I/O and keeps no state: the same [Features], [Settings] and moment give the same answer on every machine.
//
// A signal is an event that counts. Three components are made of the signals, each 0 to 100:
//
//   - volume: how many distinct signals lie in the window, on a logarithmic scale;
//   - recency: how long ago the newest one was, falling exponentially with a time constant;
//   - topics: the strength of the strongest signal in the window, moved by topics that speak for or against a purchase.
//
// All arithmetic is in integer tenths, half away from zero, and weights are thousandths, so that the parts a rep reads add
// up exactly to the number. From the score follow tier, trend, stage and product, the gate ([Settings.Material]: is a change
// worth a write?) and the forecast ([Settings.Forecast]: when does it change by itself?).
//
// Time is counted in whole seconds and ages in whole days: a signal of age 89 d 23 h is in a window of 90 days, one of 90 d
// is not. Signals later than the moment asked about are not seen, which is what lets the trend recompute the past.
//
// Nothing here depends on the order of signals except the bytes of [Features.Append].
package score
