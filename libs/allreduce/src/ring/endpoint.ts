/** Where a rank is found, as the others of its generation are told: one URL. */
export interface Endpoint {
  /** What the rank before connects to: `tcp://HOST:PORT`. */
  readonly address: string;
  /** Where the rank after finds the shared region; null where there is none. */
  readonly region: string | null;
  /** The key by which others seal what is for this rank (`seal/`); null in a ring that is not sealed. */
  readonly publicKey: string | null;
}

/** Only the address is for ZeroMQ; what others have to know besides follows as a fragment. */
export function formatEndpoint({ address, region, publicKey }: Endpoint): string {
  const fragment = new URLSearchParams();
  if (region !== null) fragment.set('region', region);
  if (publicKey !== null) fragment.set('key', publicKey);
  return fragment.size === 0 ? address : `${address}#${fragment.toString()}`;
}

/** What `formatEndpoint` was given. */
export function parseEndpoint(text: string): Endpoint {
  const [address = '', fragment = ''] = text.split('#');
  const fields = new URLSearchParams(fragment);
  return { address, region: fields.get('region'), publicKey: fields.get('key') };
}
