import { Alert, AppBar, Box, Button, Container, createTheme, CssBaseline, IconButton, Tab, Tabs, ThemeProvider, Toolbar, Tooltip, Typography, useMediaQuery } from '@mui/material';
import { enUS, jaJP } from '@mui/material/locale';
import { useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, Navigate, Route, Routes, useLocation, useNavigate } from 'react-router-dom';

import { ApiError, get, post, rememberSession } from './api/client';
import { useLive } from './api/live';
import type { Session } from './api/types';
import { setLanguage } from './i18n';
import { BACK, Login } from './pages/Login';
import { Containments } from './parts/Contain';
import { Waiting } from './parts/State';
import { SessionContext, useMay } from './may';

// Each page is fetched when it is first opened.
const Admin = lazy(() => import('./pages/Admin').then((page) => ({ default: page.Admin })));
const AlertPage = lazy(() => import('./pages/AlertPage').then((page) => ({ default: page.AlertPage })));
const Alerts = lazy(() => import('./pages/Alerts').then((page) => ({ default: page.Alerts })));
const Cases = lazy(() => import('./pages/Cases').then((page) => ({ default: page.Cases })));
const CasePage = lazy(() => import('./pages/CasePage').then((page) => ({ default: page.CasePage })));
const Devices = lazy(() => import('./pages/Devices').then((page) => ({ default: page.Devices })));
const DevicePage = lazy(() => import('./pages/DevicePage').then((page) => ({ default: page.DevicePage })));
const Overview = lazy(() => import('./pages/Overview').then((page) => ({ default: page.Overview })));
const Events = lazy(() => import('./pages/Events').then((page) => ({ default: page.Events })));
const Requests = lazy(() => import('./pages/Requests').then((page) => ({ default: page.Requests })));
const Reports = lazy(() => import('./pages/Reports').then((page) => ({ default: page.Reports })));
const ReportPage = lazy(() => import('./pages/Reports').then((page) => ({ default: page.ReportPage })));
const Policy = lazy(() => import('./pages/Policy').then((page) => ({ default: page.Policy })));
const Reviews = lazy(() => import('./pages/Reviews').then((page) => ({ default: page.Reviews })));
const ReviewPage = lazy(() => import('./pages/ReviewPage').then((page) => ({ default: page.ReviewPage })));
const StatementPage = lazy(() => import('./pages/StatementPage').then((page) => ({ default: page.StatementPage })));
const Terminals = lazy(() => import('./pages/Terminals').then((page) => ({ default: page.Terminals })));

// Each colour is readable as text on the page and under text in a chip.
const LIGHT = {
  background: { default: '#f5f6f8' },
  primary: { main: '#1d3557' }, error: { main: '#b3261e' }, warning: { main: '#8a4b00' }, info: { main: '#01579b' }, success: { main: '#1b5e20' },
};
const DARK = {
  primary: { main: '#8ecae6' }, error: { main: '#f2a09a' }, warning: { main: '#ffb74d' }, info: { main: '#81d4fa' }, success: { main: '#a5d6a7' },
};

const PLACES = ['overview', 'alerts', 'cases', 'reviews', 'requests', 'events', 'devices', 'terminals', 'reports', 'policy', 'admin'] as const;
// What a place reads first; without it, it is not shown.
const READS: Partial<Record<(typeof PLACES)[number], string>> = {
  overview: 'GetOverview', alerts: 'ListAlerts', cases: 'ListCases', reviews: 'ListReviews', requests: 'ListAlerts', events: 'ListEvents', devices: 'ListDevices', terminals: 'ListAgents', reports: 'ListInquiries', policy: 'ListPolicyVersions',
};

function Desk({ session, onTheme, onLeave }: { session: Session; onTheme: () => void; onLeave: () => void }) {
  const { t, i18n } = useTranslation();
  const live = useLive();
  const { pathname } = useLocation();
  const place = pathname === '/device' ? 'devices' : (PLACES.find((name) => pathname.startsWith(`/${name}`)) ?? 'overview');
  const may = useMay();
  const places = PLACES.filter((name) => READS[name] === undefined || may(READS[name]));
  const first = `/${places[0] ?? 'admin'}`;
  // A new page begins at its top, also for keys and for who hears it.
  const main = useRef<HTMLElement>(null);
  useEffect(() => main.current?.focus(), [pathname]);
  return (
    <>
      <AppBar position="sticky" color="default" elevation={0} sx={{ borderBottom: 1, borderColor: 'divider' }}>
        <Toolbar variant="dense" sx={{ gap: 1, flexWrap: { xs: 'wrap', md: 'nowrap' } }}>
          <Typography sx={{ fontWeight: 700, mr: 2, flexGrow: { xs: 1, md: 0 }, whiteSpace: 'nowrap' }}>関所 Sekisho</Typography>
          <Tabs component="nav" value={places.some((name) => name === place) ? place : false} variant="scrollable" scrollButtons={false} sx={{ flexGrow: 1, order: { xs: 1, md: 0 }, width: { xs: '100%', md: 'auto' } }}>
            {places.map((name) => (
              <Tab key={name} value={name} label={t(`app.${name}`)} component={Link} to={`/${name}`} sx={{ minWidth: 0, px: { xs: 2, md: 1.1, lg: 1.1, xl: 2 } }} />
            ))}
          </Tabs>
          <Tooltip title={live ? t('app.live') : t('app.notLive')}>
            <Box role="status" aria-label={live ? t('app.live') : t('app.notLive')}
              sx={{ width: 10, height: 10, borderRadius: '50%', flexShrink: 0, bgcolor: live ? 'success.main' : 'error.main' }} />
          </Tooltip>
          <IconButton size="small" aria-label={t('app.theme')} onClick={onTheme}>◐</IconButton>
          <Button size="small" color="inherit" onClick={() => setLanguage(i18n.language === 'ja' ? 'en' : 'ja')}>{t('app.language')}</Button>
          <Box sx={{ minWidth: 0 }}>
            <Typography variant="body2">{session.user}</Typography>
            {session.groups !== null && (
              <Tooltip title={session.groups.join(', ')}>
                <Typography variant="caption" component="div" noWrap sx={{ maxWidth: 220, color: 'text.secondary' }}>
                  {session.groups.length > 0 ? t('scope.youSee', { groups: session.groups.join(', ') }) : t('scope.youSeeNothing')}
                </Typography>
              </Tooltip>
            )}
          </Box>
          <Button size="small" color="inherit" onClick={onLeave}>{t('app.logout')}</Button>
        </Toolbar>
      </AppBar>
      {!live && <Alert severity="warning" square>{t('app.notLive')}</Alert>}
      {may('ListContainments') && <Containments user={session.user} />}
      <Container component="main" ref={main} tabIndex={-1} maxWidth="xl" sx={{ py: 3, outline: 'none' }}>
        <Suspense fallback={<Waiting />}><Routes>
          <Route path="/overview" element={<Overview />} />
          <Route path="/alerts" element={<Alerts session={session} />} />
          <Route path="/alerts/:id" element={<AlertPage session={session} />} />
          <Route path="/cases" element={<Cases />} />
          <Route path="/cases/:id" element={<CasePage session={session} />} />
          <Route path="/reviews" element={<Reviews />} />
          <Route path="/reviews/:id" element={<ReviewPage />} />
          <Route path="/requests" element={<Requests mayChange={may('DecideRequest')} />} />
          <Route path="/events" element={<Events />} />
          <Route path="/devices" element={<Devices mayChange={may('ApproveDevice')} />} />
          <Route path="/device" element={<DevicePage mayChange={may('ApproveDevice')} />} />
          <Route path="/terminals" element={<Terminals mayChange={may('RevokeAgent')} />} />
          <Route path="/reports" element={<Reports />} />
          <Route path="/reports/review" element={<StatementPage />} />
          <Route path="/reports/:id" element={<ReportPage />} />
          <Route path="/policy" element={<Policy mayChange={may('PushPolicy')} />} />
          <Route path="/admin" element={<Admin session={session} />} />
          <Route path="*" element={<Navigate to={first} replace />} />
        </Routes></Suspense>
      </Container>
    </>
  );
}

type State = { step: 'asking' } | { step: 'out'; ended: boolean; start: Session | null } | { step: 'in'; session: Session };

export function App() {
  const { i18n } = useTranslation();
  const client = useQueryClient();
  const prefersDark = useMediaQuery('(prefers-color-scheme: dark)');
  const [mode, setMode] = useState(localStorage.getItem('theme'));
  const dark = mode ? mode === 'dark' : prefersDark;
  const still = useMediaQuery('(prefers-reduced-motion: reduce)', { noSsr: true });
  const theme = useMemo(
    () => createTheme(
      { palette: { mode: dark ? 'dark' : 'light', ...(dark ? DARK : LIGHT) },
        typography: { fontFamily: 'system-ui, "Noto Sans JP", "Noto Sans CJK JP", sans-serif' },
        // Who asked for less motion gets none; a colour on its way is also unreadable.
        ...(still && { transitions: { create: () => 'none' } }),
        components: { MuiTableCell: { styleOverrides: { head: { fontSize: 12, fontWeight: 600, opacity: 0.85 } } }, MuiTab: { styleOverrides: { root: { minWidth: 0, textTransform: 'none' } } }, MuiButton: { styleOverrides: { root: { textTransform: 'none' } } } } },
      i18n.language === 'ja' ? jaJP : enUS,
    ),
    [dark, still, i18n.language],
  );
  const navigate = useNavigate();
  const [state, setState] = useState<State>({ step: 'asking' });
  const enter = useCallback((session: Session) => {
    rememberSession(session);
    setState(session.must_set_password || session.must_enrol_totp ? { step: 'out', ended: false, start: session } : { step: 'in', session });
  }, []);

  useEffect(() => {
    get<Session>('session').then((session) => {
      const back = sessionStorage.getItem(BACK);
      sessionStorage.removeItem(BACK);
      if (back && window.location.pathname === '/') void navigate(back, { replace: true });
      enter(session);
    }, () => setState({ step: 'out', ended: false, start: null }));
  }, [enter, navigate]);

  // A session that ended shows the door; the page behind keeps its drafts.
  useEffect(() => {
    const watch = (error: unknown) => {
      if (error instanceof ApiError && error.status === 401) {
        setState((old) => (old.step === 'in' ? { step: 'out', ended: true, start: null } : old));
      }
    };
    const queries = client.getQueryCache().subscribe((event) => watch(event.query.state.error));
    const changes = client.getMutationCache().subscribe((event) => watch(event.mutation?.state.error));
    return () => { queries(); changes(); };
  }, [client]);

  const leave = () => {
    void post('logout', {}).finally(() => {
      client.clear();
      setState({ step: 'out', ended: false, start: null });
    });
  };
  const toggle = () => {
    const next = dark ? 'light' : 'dark';
    localStorage.setItem('theme', next);
    setMode(next);
  };
  return (
    <ThemeProvider theme={theme}>
      <CssBaseline />
      {state.step === 'out' && (
        <Login ended={state.ended} start={state.start} onSession={(session) => { client.clear(); enter(session); }} />
      )}
      {state.step === 'in' && (
        <SessionContext.Provider value={state.session}>
          <Desk session={state.session} onTheme={toggle} onLeave={leave} />
        </SessionContext.Provider>
      )}
    </ThemeProvider>
  );
}
