import { Alert, Box, Button, Link, Paper, Stack, TextField, Typography } from '@mui/material';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError, get, post, rememberSession } from '../api/client';
import type { Session } from '../api/types';
import { setLanguage } from '../i18n';
import { ErrorText } from '../parts/State';

interface Props {
  ended: boolean;
  start: Session | null; // a session that still needs a password
  onSession: (session: Session) => void;
}

export function Login({ ended, start, onSession }: Props) {
  const { t, i18n } = useTranslation();
  const [withCode, setWithCode] = useState(false);
  const [session, setSession] = useState<Session | null>(start);
  const [values, setValues] = useState({ user: '', password: '', code: '', first: '', again: '' });
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const differ = values.again !== '' && values.first !== values.again;

  const field = (name: keyof typeof values, label: string, secret = false) => (
    <TextField
      label={label}
      required
      type={secret ? 'password' : 'text'}
      value={values[name]}
      autoComplete={secret ? (session ? 'new-password' : 'current-password') : 'username'}
      onChange={(e) => setValues({ ...values, [name]: e.target.value })}
    />
  );

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      if (session) {
        if (values.first !== values.again) return;
        await post('password', { password: values.first });
        onSession(await get<Session>('session'));
        return;
      }
      const made = await post<Session>(
        'login',
        withCode ? { code: values.code.trim() } : { user: values.user, password: values.password },
      );
      rememberSession(made);
      if (made.must_set_password) setSession(made);
      else onSession(made);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Box sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', p: 2 }}>
      <Paper component="main" variant="outlined" sx={{ p: 4, width: '100%', maxWidth: 420 }}>
        <Stack component="form" spacing={2} onSubmit={(e) => void submit(e)}>
          <Typography component="h1" variant="h5">
            {session ? t('login.setTitle') : t('login.title')}
          </Typography>
          {ended && !session && <Alert severity="info">{t('login.ended')}</Alert>}
          {error !== null && (
            <Alert severity="error">
              {error instanceof ApiError && error.status === 401 ? (
                t('error.unauthenticated')
              ) : (
                <ErrorText error={error} />
              )}
            </Alert>
          )}
          {session ? (
            <>
              <Typography>{t('login.setHelp')}</Typography>
              {field('first', t('login.newPassword'), true)}
              {field('again', t('login.again'), true)}
              {differ && <Alert severity="warning">{t('login.differ')}</Alert>}
            </>
          ) : withCode ? (
            <>
              {field('code', t('login.code'))}
              <Typography variant="body2" color="text.secondary">
                {t('login.codeHelp')}
              </Typography>
            </>
          ) : (
            <>
              {field('user', t('login.user'))}
              {field('password', t('login.password'), true)}
            </>
          )}
          <Button type="submit" variant="contained" size="large" loading={busy} disabled={differ}>
            {session ? t('login.set') : t('login.submit')}
          </Button>
          {!session && (
            <Stack direction="row" sx={{ justifyContent: 'space-between' }}>
              <Link component="button" type="button" onClick={() => setWithCode(!withCode)}>
                {withCode ? t('login.usePassword') : t('login.useCode')}
              </Link>
              <Link
                component="button"
                type="button"
                onClick={() => setLanguage(i18n.language === 'ja' ? 'en' : 'ja')}
              >
                {t('app.language')}
              </Link>
            </Stack>
          )}
        </Stack>
      </Paper>
    </Box>
  );
}
