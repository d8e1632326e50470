// Numbers as the page shows them, and when it shows anything.

export const whole = (value) => value.toLocaleString("en", { maximumFractionDigits: 0 });
export const milliseconds = (value) => (value === undefined ? "–" : `${whole(value)} ms`);
export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

// A function that asks for *draw* before the next frame is painted: once, however often it is called.
export function beforePaint(draw) {
  let asked;
  return () => {
    asked ??= requestAnimationFrame(() => {
      asked = undefined;
      draw();
    });
  };
}
