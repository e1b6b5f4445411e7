// One alert tells its story: who, what, from where to where, why.
import { Alert as Banner, Button, Divider, Grid, Menu, MenuItem, Paper, Stack, Table, TableBody, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Alert, Event, Session } from '../api/types';
import { deviceName, fileName, formatNumber, formatTime } from '../format';
import { DeviceFactsRows, EventFacts, TransferFacts, WhoFacts } from '../parts/EventFacts';
import { Fact, SeverityChip, StateChip } from '../parts/Shown';
import { ErrorText, Loaded } from '../parts/State';

function Story({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const event = alert.event;
  if (!event?.transfer) return <>{alert.title}</>;
  const key = event.outcome === 'blocked' && !event.observe_only ? 'alert.blockedTransfer' : 'alert.otherTransfer';
  return (
    <>
      {t(key, {
        person: event.who.person || t('app.unknown'),
        file: fileName(event.transfer.file_path),
        persons: formatNumber(event.transfer.persons),
        written: formatNumber(event.transfer.persons_written),
        terminal: event.terminal,
        device: event.device ? deviceName(event.device) : event.device_id,
      })}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper variant="outlined" sx={{ p: 2, height: '100%' }}>
      <Typography component="h2" variant="h6" gutterBottom>
        {title}
      </Typography>
      {children}
    </Paper>
  );
}

function Facts({ event }: { event: Event }) {
  const { t } = useTranslation();
  return (
    <Grid container spacing={2}>
      <Grid size={{ xs: 12, md: 6 }}>
        <Section title={t('alert.who')}><WhoFacts who={event.who} /></Section>
      </Grid>
      <Grid size={{ xs: 12, md: 6 }}>
        <Section title={t('alert.why')}>
          <Table size="small"><TableBody>
            <Fact name={t('event.reason')}>{event.reason}</Fact>
            <Fact name={t('event.rule')}>{event.rule}</Fact>
            <Fact name={t('event.policy')}>{event.policy_version}</Fact>
            <Fact name={t('event.access')}>{event.access}</Fact>
            <Fact name={t('terminal.mode')}>{event.observe_only ? t('event.observeOnly') : t('mode.enforce')}</Fact>
          </TableBody></Table>
        </Section>
      </Grid>
      {event.transfer && (
        <Grid size={{ xs: 12, md: 6 }}>
          <Section title={t('alert.what')}><TransferFacts transfer={event.transfer} /></Section>
        </Grid>
      )}
      <Grid size={{ xs: 12, md: 6 }}>
        <Section title={t('alert.where')}>
          <Table size="small"><TableBody>
            <Fact name={t('terminal.name')}>{event.terminal}</Fact>
            {event.device && <DeviceFactsRows facts={event.device} />}
          </TableBody></Table>
        </Section>
      </Grid>
      <Grid size={12}>
        <Section title={t('alert.raw')}><EventFacts event={event} /></Section>
      </Grid>
    </Grid>
  );
}

export function AlertPage({ session }: { session: Session }) {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['alert', id], queryFn: () => get<Alert>(`alerts/${id}`) });
  // What is being typed outlives an ended session and a reload.
  const draftKey = `comment-${id}`;
  const [comment, setComment] = useState(sessionStorage.getItem(draftKey) ?? '');
  const [anchor, setAnchor] = useState<HTMLElement | null>(null);
  const type = (text: string) => {
    setComment(text);
    sessionStorage.setItem(draftKey, text);
  };
  const change = useMutation({
    mutationFn: (body: object) => post<Alert>(`alerts/${id}`, body),
    onSuccess: (alert, body) => {
      if ('comment' in body) type('');
      client.setQueryData(['alert', id], (old: Alert | undefined) => ({ ...old, ...alert }));
      void client.invalidateQueries({ queryKey: ['alerts'] });
    },
  });

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.target as HTMLElement).closest('input, textarea, [role=menu]') || event.ctrlKey) return;
      if (event.key === 'u') navigate('/alerts');
      if (event.key === 'a' && query.data?.state === 'new') change.mutate({ state: 'acknowledged' });
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate, change, query.data]);

  return (
    <Loaded query={query}>
      {(alert) => (
        <Stack spacing={2}>
          <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
            <Typography component="h1" variant="h5" sx={{ flexGrow: 1 }}>
              {t('alert.one', { id: alert.alert_id })}
            </Typography>
            <SeverityChip severity={alert.severity} />
            <StateChip state={alert.state} />
            <Typography color="text.secondary">{formatTime(alert.create_time)}</Typography>
          </Stack>
          <Banner severity={alert.severity === 'low' ? 'info' : alert.severity === 'medium' ? 'warning' : 'error'} icon={false}>
            <Typography><Story alert={alert} /></Typography>
            {alert.resolve_time && <Typography variant="body2">{t('alert.resolved', { time: formatTime(alert.resolve_time) })}</Typography>}
          </Banner>
          <Stack direction="row" spacing={1} useFlexGap sx={{ flexWrap: 'wrap' }}>
            <Button variant="contained" disabled={alert.state !== 'new'} onClick={() => change.mutate({ state: 'acknowledged' })}>{t('alert.ack')}</Button>
            <Button variant="outlined" disabled={alert.state === 'closed' || alert.assignee === session.user} onClick={() => change.mutate({ assignee: session.user, state: 'in_progress' })}>{t('alert.assignMe')}</Button>
            <Button variant="outlined" disabled={alert.state === 'closed'} aria-haspopup="menu" onClick={(e) => setAnchor(e.currentTarget)}>{t('alert.closeAs')}…</Button>
            <Menu anchorEl={anchor} open={anchor !== null} onClose={() => setAnchor(null)}>
              {(['true_positive', 'false_positive', 'benign'] as const).map((verdict) => (
                <MenuItem key={verdict} onClick={() => { setAnchor(null); change.mutate({ state: 'closed', verdict }); }}>
                  {t(`verdict.${verdict}`)}
                </MenuItem>
              ))}
            </Menu>
            <Typography sx={{ alignSelf: 'center', color: 'text.secondary' }}>
              {t('alert.assignee')}: {alert.assignee || '–'}{alert.verdict && ` · ${t(`verdict.${alert.verdict}`)}`}
            </Typography>
          </Stack>
          {change.isError && <Banner severity="error"><ErrorText error={change.error} /></Banner>}
          {alert.event && <Facts event={alert.event} />}
          <Section title={t('alert.comments')}>
            <Stack spacing={1} divider={<Divider />}>
              {alert.comments.map((one, i) => (
                <Typography key={i} sx={{ overflowWrap: 'anywhere' }}>
                  <Typography component="span" color="text.secondary">{formatTime(one.time)} {one.author}: </Typography>
                  {one.text}
                </Typography>
              ))}
              <Stack direction="row" spacing={1}>
                <TextField fullWidth size="small" label={t('alert.comment')} value={comment} onChange={(e) => type(e.target.value)} />
                <Button disabled={comment.trim() === ''} onClick={() => change.mutate({ comment: comment.trim() })}>{t('alert.addComment')}</Button>
              </Stack>
            </Stack>
          </Section>
        </Stack>
      )}
    </Loaded>
  );
}
