// One way to the server. A change carries the session's CSRF value.
import type { Session } from './types';

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

let csrf = '';

export function rememberSession(session: Session): void {
  csrf = session.csrf;
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  let response: Response;
  try {
    response = await fetch('/api/v1/' + path, {
      method,
      ...(body && {
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json', 'X-Sekisho-CSRF': csrf },
      }),
    });
  } catch {
    throw new ApiError(0, 'unreachable', 'the server does not answer');
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const error = (answer as { error?: { code: string; message: string } } | null)?.error;
    throw new ApiError(
      response.status,
      error?.code ?? 'internal',
      error?.message ?? response.statusText,
    );
  }
  return answer as T;
}

export function get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
  const text = new URLSearchParams(
    Object.entries(query).filter(([, value]) => value !== ''),
  ).toString();
  return call('GET', text ? `${path}?${text}` : path);
}

export function post<T>(path: string, body: object): Promise<T> {
  return call('POST', path, body);
}
