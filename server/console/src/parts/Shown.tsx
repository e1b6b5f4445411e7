// Small pieces that show one value.
import { Chip, TableCell, TableRow, Typography } from '@mui/material';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { AlertState, Outcome, Severity } from '../api/types';

export type Color = 'default' | 'error' | 'warning' | 'success' | 'info' | 'primary';

export const SEVERITY_COLOR: Record<Severity, Color> = {
  low: 'default',
  medium: 'info',
  high: 'warning',
  critical: 'error',
};
export const STATE_COLOR: Record<AlertState, Color> = {
  new: 'error',
  acknowledged: 'warning',
  in_progress: 'info',
  closed: 'default',
};
const OUTCOME: Record<Outcome, Color> = {
  none: 'default',
  allowed: 'success',
  alerted: 'warning',
  blocked: 'error',
};

export function SeverityChip({ severity }: { severity: Severity }) {
  const { t } = useTranslation();
  return <Chip size="small" color={SEVERITY_COLOR[severity]} label={t(`severity.${severity}`)} />;
}

export function StateChip({ state }: { state: AlertState }) {
  const { t } = useTranslation();
  return <Chip size="small" variant="outlined" color={STATE_COLOR[state]} label={t(`state.${state}`)} />;
}

export function OutcomeChip({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation();
  if (outcome === 'none') return <>–</>;
  return (
    <Chip size="small" variant="outlined" color={OUTCOME[outcome]} label={t(`outcome.${outcome}`)} />
  );
}

// A fact with its name; facts that are not known are left out.
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (children === '' || children === undefined || children === null) return null;
  return (
    <TableRow>
      <TableCell component="th" scope="row" sx={{ color: 'text.secondary', width: '11rem', pl: 0 }}>
        {name}
      </TableCell>
      <TableCell sx={{ overflowWrap: 'anywhere' }}>{children}</TableCell>
    </TableRow>
  );
}

export function Code({ children }: { children: ReactNode }) {
  return (
    <Typography component="code" sx={{ fontFamily: 'monospace', fontSize: '0.9em', overflowWrap: 'anywhere' }}>
      {children}
    </Typography>
  );
}
