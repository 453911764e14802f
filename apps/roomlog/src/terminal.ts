/** Output of the command line: data to stdout, everything else to stderr, progress only where somebody watches. */

/** One line of data; with `--json` one object. */
export function printLine(line: string | object): void {
  process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`)
}

export function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Control characters would move the terminal's cursor; in a line of plain output they are shown as what they are. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A progress bar on stderr; silent where that is no terminal. */
export class Progress {
  readonly #started = performance.now()
  readonly #shown = process.stderr.isTTY === true
  #drawnAt = 0
  #done = 0

  constructor(
    private readonly what: string,
    private readonly total: number,
  ) {}

  update(done: number): void {
    this.#done = done
    const now = performance.now()
    if (!this.#shown || now - this.#drawnAt < drawEveryMs) return
    this.#drawnAt = now
    this.#draw()
  }

  end(): void {
    if (!this.#shown) return
    this.#draw()
    process.stderr.write('\n')
  }

  #draw(): void {
    const share = this.total === 0 ? 1 : Math.min(1, this.#done / this.total)
    const filled = Math.round(share * barWidth)
    const perSecond = Math.round((this.#done / (performance.now() - this.#started)) * 1_000)
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled)
    const figures = `${this.#done.toLocaleString('en')}/${this.total.toLocaleString('en')} ${this.what}, ${perSecond.toLocaleString('en')}/s`
    process.stderr.write(`\r\u001b[2K${bar} ${Math.floor(share * 100)}%  ${figures}`)
  }
}

const drawEveryMs = 100
const barWidth = 30
