/**
 * Hue in degrees, saturation and lightness from 0 to 1, as red, green and blue from 0 to 255.
 *
 * @see https://www.w3.org/TR/css-color-4/#hsl-to-rgb
 */
export function hsl(hue: number, saturation: number, lightness: number): [number, number, number] {
  const channel = (n: number) => {
    const k = (n + hue / 30) % 12;
    const amplitude = saturation * Math.min(lightness, 1 - lightness);
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}
