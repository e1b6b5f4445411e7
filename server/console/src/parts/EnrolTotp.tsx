// A second factor: its secret for the authenticator app, the app's first code,
// then the recovery codes. Each is shown once.
import { Alert, Button, Stack, TextField, Typography } from '@mui/material';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import { QrCode } from './QrCode';
import { Code } from './Shown';
import { ErrorText } from './State';

export function EnrolTotp({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const [code, setCode] = useState('');
  const begin = useMutation({ mutationFn: () => post<{ secret: string; uri: string }>('totp:begin', {}) });
  const confirm = useMutation({ mutationFn: () => post<{ recovery_codes: string[] }>('totp:confirm', { code: code.trim() }) });
  if (confirm.data) {
    return (
      <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
        <Alert severity="success">{t('totp.done')}</Alert>
        <Typography>{t('totp.recovery')}</Typography>
        <Stack component="ul" aria-label={t('totp.recoveryList')} sx={{ m: 0, pl: 3 }}>
          {confirm.data.recovery_codes.map((one) => <li key={one}><Code>{one}</Code></li>)}
        </Stack>
        <Button variant="contained" onClick={onDone}>{t('totp.kept')}</Button>
      </Stack>
    );
  }
  if (!begin.data) {
    return (
      <Stack spacing={2} sx={{ alignItems: 'flex-start' }}>
        <Typography>{t('totp.why')}</Typography>
        {begin.isError && <Alert severity="error"><ErrorText error={begin.error} /></Alert>}
        <Button variant="contained" loading={begin.isPending} onClick={() => begin.mutate()}>{t('totp.begin')}</Button>
      </Stack>
    );
  }
  return (
    <Stack component="form" spacing={2} sx={{ alignItems: 'flex-start' }} onSubmit={(event) => { event.preventDefault(); confirm.mutate(); }}>
      <Typography>{t('totp.scan')}</Typography>
      <QrCode text={begin.data.uri} />
      <Typography>{t('totp.orType')}</Typography>
      <Code>{begin.data.secret.replace(/(.{4})(?=.)/g, '$1 ')}</Code>
      <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}><Code>{begin.data.uri}</Code></Typography>
      {confirm.isError && <Alert severity="error"><ErrorText error={confirm.error} /></Alert>}
      <TextField required label={t('totp.code')} value={code} autoComplete="one-time-code" onChange={(e) => setCode(e.target.value)} slotProps={{ htmlInput: { inputMode: 'numeric', maxLength: 6 } }} />
      <Button type="submit" variant="contained" loading={confirm.isPending} disabled={!/^\d{6}$/.test(code.trim())}>{t('totp.confirm')}</Button>
    </Stack>
  );
}
