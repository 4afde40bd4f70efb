/**
 * Peak bytes per second of a card's memory in 10^9, by its name (AMD's GPU specification tables; NVIDIA's data sheets). A die of MI250X as
 * the driver counts.
 */
const peaks: Readonly<Record<string, number>> = {
  ...{
    MI100: 1229,
    MI210: 1638,
    MI250: 1638,
    MI250X: 1638,
    MI300A: 5300,
    MI300X: 5300,
    MI308X: 5300,
    MI325X: 6000,
    MI350X: 8000,
    MI355X: 8000,
  },
  ...{ V620: 512, W6800: 512, W6900X: 512, W7800: 576, W7900: 864, R9700: 640, R9700S: 640, R9600D: 640 },
  ...{ RX6800: 512, RX6900: 512, RX7900: 960, RX7900XTX: 960, RX7900XT: 800, RX7900GRE: 576, RX9060XT: 320, RX9070: 640, RX9070XT: 640 },
  ...{
    'A100 40GB': 1555,
    'A100 80GB': 2039,
    'H100 80GB': 3350,
    H200: 4800,
    B200: 8000,
    'RTX 3090': 936,
    'RTX 4090': 1008,
    'RTX 5090': 1792,
  },
  ...{ 'RTX 5000 Ada': 576, 'RTX 6000 Ada': 960, A6000: 768, L40S: 864, L4: 300, GB10: 273 },
}

/** Peak bytes per second of the memory of a product as `cardOf` or `otherCardOf` names it; undefined where nobody has published it. */
export const peakBytesPerSecond = (product: string): number | undefined => {
  const peak = peaks[product]
  return peak === undefined ? undefined : peak * 1e9
}
