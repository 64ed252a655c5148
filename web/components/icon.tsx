/** Strokes on a 24 by 24 ground. */
const paths = {
  batches: 'M4 6h16M4 12h16M4 18h10',
  inbox: 'M4 13l2.5-8h11l2.5 8v6H4zM4 13h5l1.5 2.5h3L15 13h5',
  costs:
    'M12 3v18M16.5 7.5C16 6 14.5 5.5 12 5.5c-3 0-4.5 1.300-4.5 3.200 0 4.600 9.5 2 9.5 6.600 0 2-1.800 3.200-5 3.200-2.800 0-4.5-1-5-2.800',
  gpus: 'M6 6h12v12H6zM10 10h4v4h-4zM9 2.5V6M15 2.5V6M9 18v3.5M15 18v3.5M2.5 9H6M2.5 15H6M18 9h3.5M18 15h3.5',
  schedules: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2',
  plus: 'M12 5v14M5 12h14',
  pause: 'M8.5 5v14M15.5 5v14',
  play: 'M7 4.5v15l12-7.5z',
  stop: 'M6 6h12v12H6z',
  redrive: 'M20 12a8 8 0 1 1-2.5-5.800M20 3.5V8h-4.5',
  sliders: 'M4 8h9M17 8h3M15 5.5v5M4 16h3M11 16h9M9 13.5v5',
  link: 'M14 4h6v6M20 4l-9 9M18 14v6H4V6h6',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  cross: 'M6 6l12 12M18 6L6 18',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  compare: 'M4 5h6.5v14H4zM13.5 5H20v14h-6.5z',
  image: 'M4 5h16v14H4zM4 16l4.5-4.5 4 4L16 12l4 4M15.5 9h.01',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z',
  sun: 'M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.300 5.300l1.400 1.400M17.300 17.300l1.400 1.400M18.700 5.300l-1.400 1.400M6.700 17.300l-1.400 1.400',
  keyboard: 'M3 6.5h18v11H3zM7 10h.01M11 10h.01M15 10h.01M18 10h.01M8 14h8',
  warning: 'M12 4L2.5 20h19zM12 10v4.5M12 17.200v.01',
  file: 'M6 3h8l5 5v13H6zM14 3v5h5',
  exit: 'M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9',
  upload: 'M12 16V5M7.5 9L12 4.5 16.5 9M5 20h14',
} as const;

export type IconName = keyof typeof paths;

/** A picture beside a word; it says nothing by itself, so that screen readers leave it out. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
