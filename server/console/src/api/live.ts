// Live changes: each is a hint which rows are worth reading again.
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';

// Between two readings; the first change is read at once.
const PAUSE_MS = 300;
const QUERIES: Record<string, string[]> = {
  alert: ['alerts', 'alert', 'groups', 'overview'],
  event: ['events'],
  device: ['devices', 'story'],
  agent: ['agents', 'overview'],
  policy: ['policies', 'rollout', 'rings'],
  containment: ['containments'],
  case: ['cases', 'case'],
  review: ['reviews', 'review'],
};

// True while the stream stands. The browser reconnects by itself.
export function useLive(): boolean {
  const client = useQueryClient();
  const [live, setLive] = useState(true);
  useEffect(() => {
    const source = new EventSource('/api/v1/live');
    const readAgain = () => void client.invalidateQueries();
    let lost = false;
    // Many changes at once are one reason to read again.
    const told = new Set<string>();
    let wake: number | undefined;
    let last = 0;
    const read = () => {
      wake = undefined;
      last = Date.now();
      for (const key of told) void client.invalidateQueries({ queryKey: [key] });
      told.clear();
    };
    source.onopen = () => {
      // What changed while it was down is not told again.
      if (lost) readAgain();
      lost = false;
      setLive(true);
    };
    source.onerror = () => {
      lost = true;
      setLive(false);
    };
    source.addEventListener('resync', readAgain);
    source.addEventListener('change', (message) => {
      const change = JSON.parse((message as MessageEvent<string>).data) as { what: string };
      for (const key of QUERIES[change.what] ?? []) {
        told.add(key);
      }
      wake ??= window.setTimeout(read, last + PAUSE_MS - Date.now());
    });
    return () => {
      source.close();
      window.clearTimeout(wake);
    };
  }, [client]);
  return live;
}
