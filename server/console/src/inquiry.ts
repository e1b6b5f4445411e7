// A signed answer as the browser shows it. It is not verified here: who must be
// sure does it offline with `sekisho report verify`.
export interface InquiryRow {
  leaf: number; time: string; receive_time: string; terminal: string; person: string; device: string; file: string; file_hash: string; owner: string;
  persons: number; persons_written: number; verdict: string; why?: string[];
}
export interface InquirySpan { terminal: string; site: string; state: string; from: string; to: string; seconds: number }
export interface Document {
  answer: 'found' | 'not_found' | 'cannot_say';
  asked: { by: string; time: string; reason: string; owner: string; person: string; device: string; file_hash: string; from: string; to: string };
  causes: { cause: string; count: number; text: string }[];
  checkpoint: string;
  coverage: { until: string; terminals: number; unregistered_terminals: number; covered_seconds: number; off_seconds: number; uncovered_seconds: number; spans: InquirySpan[]; spans_cut: number };
  found: { count: number; persons: number; rows: InquiryRow[]; cut: number };
  limits: { limit: string; text: string }[];
  log_root: string;
  log_size: number;
  stopped: { rows: InquiryRow[]; cut: number };
  unclear: { rows: InquiryRow[]; cut: number };
}

const FORM = 'sekisho-inquiry-1\n';

// The JSON between the form's name and the signature; null if it is another form.
export function readNote(note: string): Document | null {
  const end = note.lastIndexOf('\n\n');
  if (!note.startsWith(FORM) || end < FORM.length) return null;
  try {
    return JSON.parse(note.slice(FORM.length, end)) as Document;
  } catch {
    return null;
  }
}

// Rounded down: the whole is said of the whole only.
export function coveredShare(coverage: { covered_seconds: number; uncovered_seconds: number }): number | null {
  const all = coverage.covered_seconds + coverage.uncovered_seconds;
  return all === 0 ? null : Math.floor((coverage.covered_seconds * 1000) / all) / 1000;
}

export const UNCOVERED = ['observe', 'no_core', 'degraded', 'unlocked', 'clock', 'events_lost', 'silent', 'no_agent'];
