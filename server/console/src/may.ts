// What the one who is signed in may do. The console shows only that; the server
// decides all the same.
import { createContext, useContext } from 'react';

import type { Session } from './api/types';

export const SessionContext = createContext<Session | null>(null);

// True for a method of the server's table of roles. Without a session (tests of
// single parts) everything is shown.
export function useMay(): (method: string) => boolean {
  const session = useContext(SessionContext);
  return (method) => session === null || session.may.includes(method);
}
