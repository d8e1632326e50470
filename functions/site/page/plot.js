// The gaps between the last hundred events, a stem each, over a band of the pauses that were asked for.

export const SLOTS = 100; // as index.html has it

export function plotIn(frame) {
  let topMs;
  const path = (name, d) => frame.querySelector(`.${name}`).setAttribute("d", d);
  // From 0, the top, to 1; what is off the scale lies near its edge.
  const height = (ms) => +(1 - Math.min(ms / topMs, 0.96)).toFixed(3);

  return {
    // *pauses* are the shortest and the longest one that were asked for, in milliseconds.
    begin(pauses) {
      topMs = Math.max(pauses[1] * 1.5, 30);
      path("band", `M0 ${height(pauses[1])}H${SLOTS}V${height(pauses[0])}H0Z`);
      frame.querySelectorAll("span").forEach((label, index) => {
        label.textContent = pauses[index];
        label.style.top = `${height(pauses[index]) * 100}%`;
      });
    },
    // *gaps* in milliseconds, oldest first; NaN for a loss.
    draw(gaps) {
      const paths = { losses: "", stems: "", gaps: "", newest: "" };
      gaps.forEach((gap, index) => {
        const x = SLOTS - gaps.length + index + 0.5;
        if (Number.isNaN(gap)) {
          paths.losses += `M${x} 0V1`;
          return;
        }
        paths.stems += `M${x} 1V${height(gap)}`;
        paths[index === gaps.length - 1 ? "newest" : "gaps"] += `M${x} ${height(gap)}h0`;
      });
      for (const [name, d] of Object.entries(paths)) path(name, d);
    },
  };
}
