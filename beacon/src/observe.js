// SPDX-License-Identifier: EUPL-1.2
// One PerformanceObserver an entry type, and a way to take what they still hold back: entries
// are delivered in a task of their own, which a page that is going away never runs.

const pending = [];

// Calls each(entry) for past and future entries. Returns false, and watches nothing, where the
// browser does not know the type: its metric is then left out, since 0 would be a lie.
export const observe = (type, each) => {
  if (!PerformanceObserver.supportedEntryTypes.includes(type)) return false;
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(each));
  // The threshold means something to event timing only; 40 ms is what INP needs and no more.
  observer.observe({ type, buffered: true, durationThreshold: 40 });
  pending.push(() => observer.takeRecords().forEach(each));
  return true;
};

export const flush = () => pending.forEach((take) => take());
