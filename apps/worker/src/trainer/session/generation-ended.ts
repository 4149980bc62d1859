/** Thrown into whatever waits in a generation that is over; never leaves the trainer. */
export class GenerationEnded extends Error {
  override readonly name = 'GenerationEnded';
}
