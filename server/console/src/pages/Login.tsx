import { Alert, Box, Button, Link, Paper, Stack, TextField, Typography } from '@mui/material';
import { type FormEvent, lazy, Suspense, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { ApiError, get, post, rememberSession } from '../api/client';
import type { Session, SignInWays } from '../api/types';
import { setLanguage } from '../i18n';
import { ErrorText, Waiting } from '../parts/State';

// Fetched by who has to enrol; most never do at the door.
const EnrolTotp = lazy(() => import('../parts/EnrolTotp').then((part) => ({ default: part.EnrolTotp })));

interface Props {
  ended: boolean;
  start: Session | null; // a session that still needs a password or a second factor
  onSession: (session: Session) => void;
}

const PROBLEMS = ['expired', 'cancelled', 'unknown', 'group', 'second_factor', 'tries', 'failed', 'unavailable'];

// What went wrong at the provider, as the server's callback says in the address.
function problemOfAddress(): string {
  const said = new URLSearchParams(window.location.search).get('signin') ?? '';
  return said === '' || PROBLEMS.includes(said) ? said : 'failed';
}

// Where he was when he was sent to the provider; App goes back there.
export const BACK = 'sekisho-back';

export function Login({ ended, start, onSession }: Props) {
  const { t, i18n } = useTranslation();
  const [withCode, setWithCode] = useState(false);
  const [session, setSession] = useState<Session | null>(start);
  const [values, setValues] = useState({ user: '', password: '', code: '', first: '', again: '', factor: '' });
  const [asksFactor, setAsksFactor] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [ways, setWays] = useState<SignInWays>({ provider: '', passwords: true });
  const [withPassword, setWithPassword] = useState(false);
  const [problem, setProblem] = useState(problemOfAddress);
  // Told once: not again by a reload or a bookmark.
  useEffect(() => {
    if (problem !== '') window.history.replaceState(null, '', window.location.pathname);
  }, [problem]);
  useEffect(() => {
    let gone = false;
    get<SignInWays>('signin').then((found) => { if (!gone) setWays(found); }, () => undefined);
    return () => { gone = true; };
  }, []);
  const asksPassword = ways.passwords || withPassword || withCode || asksFactor || session !== null;
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

  const enter = (made: Session) => {
    if (made.must_enrol_totp) setSession(made);
    else onSession(made);
  };

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      if (session) {
        if (values.first !== values.again) return;
        await post('password', { password: values.first });
        enter(await get<Session>('session'));
        return;
      }
      const made = await post<Session | { needs_second_factor: boolean }>('login', {
        ...(withCode ? { code: values.code.trim() } : { user: values.user, password: values.password }),
        ...(asksFactor && { second_factor: values.factor.trim() }),
      });
      if (!('csrf' in made)) {
        setAsksFactor(true);
        return;
      }
      rememberSession(made);
      if (made.must_set_password) setSession(made);
      else enter(made);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };

  const leave = async () => {
    setBusy(true);
    setError(null);
    setProblem('');
    try {
      const { url } = await post<{ url: string }>('provider:start', {});
      sessionStorage.setItem(BACK, window.location.pathname + window.location.search);
      window.location.assign(url);
    } catch (caught) {
      if (caught instanceof ApiError && caught.status === 503) setProblem('unavailable');
      else setError(caught);
      setBusy(false);
    }
  };

  if (session && !session.must_set_password && session.must_enrol_totp) {
    return (
      <Box sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', p: 2 }}>
        <Paper component="main" variant="outlined" sx={{ p: 4, width: '100%', maxWidth: 520 }}>
          <Typography component="h1" variant="h5" gutterBottom>{t('totp.mustTitle')}</Typography>
          <Suspense fallback={<Waiting />}><EnrolTotp onDone={() => void get<Session>('session').then(onSession)} /></Suspense>
        </Paper>
      </Box>
    );
  }
  return (
    <Box sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', p: 2 }}>
      <Paper component="main" variant="outlined" sx={{ p: 4, width: '100%', maxWidth: 420 }}>
        <Stack component="form" spacing={2} onSubmit={(e) => void submit(e)}>
          <Typography component="h1" variant="h5">
            {session ? t('login.setTitle') : t('login.title')}
          </Typography>
          {ended && !session && <Alert severity="info">{t('login.ended')}</Alert>}
          {problem !== '' && !session && <Alert severity="error">{t(`login.problem.${problem}`, { name: ways.provider || 'OpenID Connect' })}</Alert>}
          {ways.provider !== '' && !session && !asksFactor && (
            <>
              <Button variant={asksPassword ? 'outlined' : 'contained'} size="large" loading={busy && !asksPassword} disabled={busy} onClick={() => void leave()} sx={{ overflowWrap: 'anywhere' }}>{t('login.provider', { name: ways.provider })}</Button>
              {ended && <Typography variant="body2" color="text.secondary">{t('login.providerLeaves')}</Typography>}
            </>
          )}
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
          ) : asksFactor ? (
            <>
              <TextField autoFocus required label={t('login.factor')} value={values.factor} autoComplete="one-time-code" onChange={(e) => setValues({ ...values, factor: e.target.value })} />
              <Typography variant="body2" color="text.secondary">{t('login.factorHelp')}</Typography>
            </>
          ) : withCode ? (
            <>
              {field('code', t('login.code'))}
              <Typography variant="body2" color="text.secondary">
                {t('login.codeHelp')}
              </Typography>
            </>
          ) : asksPassword && (
            <>
              {field('user', t('login.user'))}
              {field('password', t('login.password'), true)}
            </>
          )}
          {asksPassword && (
            <Button type="submit" variant="contained" size="large" loading={busy} disabled={differ}>
              {session ? t('login.set') : t('login.submit')}
            </Button>
          )}
          {!session && (
            <Stack direction="row" sx={{ justifyContent: 'space-between' }}>
              {asksPassword ? (
                <Link component="button" type="button" onClick={() => { setWithCode(!withCode); setWithPassword(true); setAsksFactor(false); }}>
                  {withCode ? t('login.usePassword') : t('login.useCode')}
                </Link>
              ) : (
                <Link component="button" type="button" onClick={() => setWithPassword(true)}>{t('login.breakGlass')}</Link>
              )}
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
