// What every decision about a device is made of: its access, and the dialog
// that asks.
import { Alert as Banner, Button, Dialog, DialogActions, DialogContent, DialogTitle, MenuItem, Stack, TextField } from '@mui/material';
import type { FormEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

import type { Access } from '../api/types';
import { Code } from './Shown';
import { ErrorText } from './State';

const ACCESS: Access[] = ['inspect', 'read_only', 'audit', 'full'];

export function AccessField({ value, onChange }: { value: Access; onChange: (access: Access) => void }) {
  const { t } = useTranslation();
  return (
    <TextField select label={t('device.accessLabel')} value={value} helperText={t(`accessHelp.${value}`)} onChange={(e) => onChange(e.target.value as Access)}>
      {ACCESS.map((access) => <MenuItem key={access} value={access}>{t(`access.${access}`)}</MenuItem>)}
    </TextField>
  );
}

interface Props {
  title: string;
  deviceId?: string;
  warning?: string | undefined;
  error: unknown; // null: none
  act: string;
  color?: 'primary' | 'error' | 'warning';
  busy: boolean;
  disabled?: boolean;
  enterActs?: boolean; // Enter in a field is the button
  onAct: () => void;
  onDone: () => void;
  children: ReactNode;
}

export function DecisionDialog({ title, deviceId, warning, error, act, color = 'primary', busy, disabled = false, enterActs = false, onAct, onDone, children }: Props) {
  const { t } = useTranslation();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    // Not also the form in which the dialog was opened.
    event.stopPropagation();
    if (!disabled && !busy) onAct();
  };
  return (
    <Dialog open onClose={onDone} fullWidth maxWidth="sm" slotProps={enterActs ? { paper: { component: 'form', noValidate: true, onSubmit: submit } as object } : {}}>
      <DialogTitle>{title}</DialogTitle>
      <DialogContent>
        <Stack spacing={2} sx={{ pt: 1 }}>
          {deviceId !== undefined && <Code>{deviceId}</Code>}
          {warning && <Banner severity="warning">{warning}</Banner>}
          {error !== null && <Banner severity="error"><ErrorText error={error} /></Banner>}
          {children}
        </Stack>
      </DialogContent>
      <DialogActions>
        <Button onClick={onDone}>{t('app.cancel')}</Button>
        <Button variant="contained" color={color} loading={busy} disabled={disabled} {...(enterActs ? { type: 'submit' } : { onClick: onAct })}>{act}</Button>
      </DialogActions>
    </Dialog>
  );
}
