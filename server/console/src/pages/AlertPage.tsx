// One alert tells its story at a glance, with the decision beside it: who,
// what, from where to where, why. Every fact stands below.
import { Alert as Banner, Box, Button, Chip, Divider, Grid, Paper, Stack, Table, TableBody, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useContext, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Alert, Event, Session, VerdictCount } from '../api/types';
import { deviceName, fileName, formatNumber, formatShare, formatTime, personOf } from '../format';
import { SessionContext, useMay } from '../may';
import { ContainButton } from '../parts/Contain';
import { CasesOf } from '../parts/CaseDialog';
import { CloseDialog } from '../parts/Close';
import { DecideRequest } from '../parts/DecideRequest';
import { DeviceLink } from '../parts/DeviceLink';
import { DueChip } from '../parts/Due';
import { ColumnFacts, DeviceFactsRows, EventFacts, LandingFacts, TransferFacts, WhoFacts } from '../parts/EventFacts';
import { Help } from '../parts/Help';
import { SampleRows } from '../parts/SampleRows';
import { Code, Fact, OutcomeChip, SeverityChip, StateChip } from '../parts/Shown';
import { ErrorText, Loaded } from '../parts/State';
import { SuppressButton } from '../parts/Suppress';
import { Timeline, useAround } from '../parts/Timeline';
import { alertStory } from '../story';

function Section({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  return (
    <Paper variant="outlined" component="section" sx={{ p: 2, height: '100%' }}>
      <Typography component="h2" variant="overline" sx={{ color: 'text.secondary', lineHeight: 1.5 }}>{title} {help && <Help term={help} />}</Typography>
      {children}
    </Paper>
  );
}

// The answer to one question: a line to read from afar, and what backs it.
function Answer({ title, headline, children }: { title: string; headline: ReactNode; children: ReactNode }) {
  return (
    <Section title={title}>
      <Typography component="p" variant="h6" sx={{ overflowWrap: 'anywhere', lineHeight: 1.35 }}>{headline}</Typography>
      <Box sx={{ color: 'text.secondary', typography: 'body2', overflowWrap: 'anywhere' }}>{children}</Box>
    </Section>
  );
}

function Answers({ alert, event }: { alert: Alert; event: Event }) {
  const { t } = useTranslation();
  const { who, transfer, device } = event;
  return (
    <Grid container spacing={1.5}>
      <Grid size={{ xs: 12, sm: 6 }}>
        <Answer title={t('alert.who')} headline={personOf(who) || t('app.unknown')}>
          {[t(`origin.${who.origin}`, { defaultValue: who.origin }), who.ssh_source, who.tty].filter(Boolean).join(' · ') || '–'}
          {who.program && <div><Code>{who.program}</Code></div>}
        </Answer>
      </Grid>
      <Grid size={{ xs: 12, sm: 6 }}>
        {transfer ? (
          <Answer title={t('alert.what')} headline={t('alert.people', { persons: formatNumber(transfer.persons) })}>
            <div>{fileName(transfer.file_path)}</div>
            {transfer.data_owners.map((one) => <div key={one.owner}>{t('transfer.owners')}: <strong>{t('transfer.ownersPeople', { owner: one.owner, persons: formatNumber(one.persons) })}</strong></div>)}
            <Stack direction="row" spacing={0.5} useFlexGap sx={{ flexWrap: 'wrap', mt: 0.5 }}>
              {Object.keys(transfer.data).map((type) => <Chip key={type} size="small" variant="outlined" label={t(`type.${type}`, { defaultValue: type })} />)}
            </Stack>
          </Answer>
        ) : (
          <Answer title={t('alert.what')} headline={t(`kind.${event.kind}`, { defaultValue: event.kind })}>{formatTime(event.occur_time)}</Answer>
        )}
      </Grid>
      <Grid size={{ xs: 12, sm: 6 }}>
        <Answer title={t('alert.where')} headline={<>{alert.terminal}{device && <> → {deviceName(device)}</>}</>}>
          {device && <DeviceLink id={event.device_id}><Code>{event.device_id}</Code></DeviceLink>}
          {transfer && event.kind === 'transfer' && <div>{t('transfer.written')}: <strong>{formatNumber(transfer.persons_written)}</strong></div>}
        </Answer>
      </Grid>
      <Grid size={{ xs: 12, sm: 6 }}>
        <Answer title={t('alert.why')} headline={event.reason || event.rule || '–'}>
          {event.rule && <>{t('event.rule')} <Code>{event.rule}</Code> · </>}
          {t('policy.version', { version: event.policy_version })} · {event.observe_only ? t('mode.observe') : t('mode.enforce')}{' '}
          {event.outcome !== 'none' && <OutcomeChip outcome={event.outcome} />}
        </Answer>
      </Grid>
    </Grid>
  );
}

function Facts({ event }: { event: Event }) {
  const { t } = useTranslation();
  return (
    <Grid container spacing={1.5}>
      {event.landing && (
        <Grid size={12}>
          <Section title={t('landing.title')}><LandingFacts landing={event.landing} /></Section>
        </Grid>
      )}
      {event.transfer && (
        <Grid size={12}>
          <Section title={t('transfer.file')}>
            <TransferFacts transfer={event.transfer} />
            <ColumnFacts columns={event.transfer.columns} />
          </Section>
        </Grid>
      )}
      {event.transfer?.samples_kept && (
        <Grid size={12}>
          <Section title={t('samples.title')}><SampleRows rowId={event.row_id} /></Section>
        </Grid>
      )}
      <Grid size={{ xs: 12, sm: 6 }}>
        <Section title={t('who.person')}><WhoFacts who={event.who} /></Section>
      </Grid>
      <Grid size={{ xs: 12, sm: 6 }}>
        <Section title={t('event.device')}>
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

// The policy's own words, as they stood when it decided, and how often the rule
// was wrong.
function RuleText({ alert, around }: { alert: Alert; around: ReturnType<typeof useAround> }) {
  const { t } = useTranslation();
  const may = useMay()('ListVerdicts');
  const verdicts = useQuery({ queryKey: ['verdicts'], queryFn: () => get<{ days: number; rows: VerdictCount[] }>('alerts:verdicts'), enabled: may });
  const { rule_text: text, rule_line: line } = around.data ?? { rule_text: '', rule_line: 0 };
  if (!text) return null;
  const count = verdicts.data?.rows.find((row) => row.rule === alert.rule && row.kind === alert.kind);
  const closed = count ? count.true_positive + count.false_positive + count.benign : 0;
  return (
    <Section title={t('alert.ruleText', { line })} help="rule">
      <Box component="pre" sx={{ m: 0, mt: 0.5, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere', fontSize: 13, lineHeight: 1.5 }}>{text}</Box>
      {count && closed > 0 && <Typography variant="body2" color="text.secondary" sx={{ mt: 1 }}>{t('review.ruleShare', { closed: formatNumber(closed), share: formatShare(count.false_positive / closed) })}</Typography>}
    </Section>
  );
}

interface DecisionProps {
  alert: Alert;
  session: Session;
  busy: boolean;
  error: unknown;
  onChange: (body: object) => void;
  onClose: () => void;
}

function Decision({ alert, session, busy, error, onChange, onClose }: DecisionProps) {
  const { t } = useTranslation();
  const may = useMay();
  const closed = alert.state === 'closed';
  const request = alert.kind === 'approval_request';
  return (
    <Section title={t('alert.decide')}>
      <Stack spacing={1.25} sx={{ mt: 0.5 }}>
        <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
          <StateChip state={alert.state} />
          <Typography variant="body2">{t('alert.assignee')}: <strong>{alert.assignee || '–'}</strong></Typography>
          {alert.verdict && <Typography variant="body2">{t('alert.verdict')}: <strong>{t(`verdict.${alert.verdict}`)}</strong></Typography>}
          {alert.verdict_by && <Typography variant="body2">{t('alert.verdictBy', { who: alert.verdict_by, time: formatTime(alert.verdict_time) })}</Typography>}
        </Stack>
        {error !== null && <Banner severity="error"><ErrorText error={error} /></Banner>}
        {!closed && request && may('DecideRequest') && <DecideRequest request={alert} />}
        {!closed && !request && may('UpdateAlert') && (
          <>
            <Button variant={alert.state === 'new' ? 'contained' : 'outlined'} disabled={busy || alert.state !== 'new'} onClick={() => onChange({ state: 'acknowledged' })}>{t('alert.ack')}</Button>
            <Button variant="outlined" disabled={busy || alert.assignee === session.user} onClick={() => onChange({ assignee: session.user, state: 'in_progress' })}>{t('alert.assignMe')}</Button>
            <Button variant={alert.state === 'new' ? 'outlined' : 'contained'} disabled={busy} aria-haspopup="dialog" onClick={onClose}>{t('alert.closeAs')}…</Button>
            <SuppressButton alert={alert} />
          </>
        )}
      </Stack>
    </Section>
  );
}

// What stops it now, whatever else is decided.
function Stop({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const may = useMay()('Contain');
  // A person's or a device's reaches every terminal.
  const everywhere = useContext(SessionContext)?.groups == null;
  const known = everywhere && alert.person !== '' && alert.person !== 'unknown';
  const device = everywhere && alert.device_id !== '';
  if (!may || (!known && !alert.agent_id && !device)) return null;
  return (
    <Section title={t('contain.title')} help="contain">
      <Stack spacing={1.25} sx={{ mt: 0.5 }}>
        {known && <ContainButton to={{ kind: 'person', target: alert.person, name: alert.person }} />}
        {alert.agent_id && <ContainButton to={{ kind: 'terminal', target: alert.agent_id, name: alert.terminal }} />}
        {device && <ContainButton to={{ kind: 'device', target: alert.device_id, name: alert.device_id }} />}
      </Stack>
    </Section>
  );
}

function Comments({ alert, draft, onDraft, onSend }: { alert: Alert; draft: string; onDraft: (text: string) => void; onSend: () => void }) {
  const { t } = useTranslation();
  const may = useMay()('UpdateAlert');
  return (
    <Section title={t('alert.comments')}>
      <Stack spacing={1} divider={<Divider />} sx={{ mt: 0.5 }}>
        {alert.comments.map((one, i) => (
          <Box key={i} sx={{ overflowWrap: 'anywhere' }}>
            <Typography variant="caption" color="text.secondary">{one.author} · {formatTime(one.time)}</Typography>
            <Typography variant="body2">{one.text}</Typography>
          </Box>
        ))}
        {may && <Stack spacing={1} sx={{ alignItems: 'flex-end' }}>
          <TextField fullWidth multiline maxRows={8} size="small" label={t('alert.comment')} value={draft} onChange={(e) => onDraft(e.target.value)} />
          <Button disabled={draft.trim() === ''} onClick={onSend}>{t('alert.addComment')}</Button>
        </Stack>}
      </Stack>
    </Section>
  );
}

export function AlertPage({ session }: { session: Session }) {
  const mayUpdate = useMay()('UpdateAlert');
  const mayCase = useMay()('OpenCase');
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['alert', id], queryFn: () => get<Alert>(`alerts/${id}`) });
  const around = useAround(id);
  const [closing, setClosing] = useState(false);
  // What is being typed outlives an ended session and a reload.
  const draftKey = `comment-${id}`;
  const [comment, setComment] = useState(sessionStorage.getItem(draftKey) ?? '');
  const type = (text: string) => {
    setComment(text);
    sessionStorage.setItem(draftKey, text);
  };
  const change = useMutation({
    mutationFn: (body: object) => post<Alert>(`alerts/${id}`, body),
    onSuccess: (alert, body) => {
      if ('comment' in body && !('verdict' in body)) type('');
      setClosing(false);
      // The answer may leave out the event.
      client.setQueryData(['alert', id], (old: Alert | undefined) => ({ ...old, ...alert }));
      void client.invalidateQueries({ queryKey: ['alerts'] });
    },
  });

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.target as HTMLElement).closest('input, textarea, [role=menu], [role=dialog]') || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'u') void navigate('/alerts');
      if (event.key === 'a' && mayUpdate && query.data?.state === 'new') change.mutate({ state: 'acknowledged' });
      if (event.key === 'c' && mayUpdate && query.data && query.data.state !== 'closed' && query.data.kind !== 'approval_request') {
        event.preventDefault();
        setClosing(true);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [navigate, change, mayUpdate, query.data]);

  return (
    <Loaded query={query}>
      {(alert) => (
        <Stack spacing={1.5}>
          <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
            <Typography component="h1" variant="h6">{t('alert.one', { id: alert.alert_id })}</Typography>
            <SeverityChip severity={alert.severity} />
            <Typography color="text.secondary">{formatTime(alert.create_time)}</Typography>
            <DueChip alert={alert} />
          </Stack>
          <Grid container spacing={1.5}>
            <Grid size={{ xs: 12, md: 8.5 }}>
              <Stack spacing={1.5}>
                <Banner severity={alert.severity === 'low' ? 'info' : alert.severity === 'medium' ? 'warning' : 'error'} icon={false} sx={{ borderLeft: 6, borderColor: alert.severity === 'low' ? 'info.main' : alert.severity === 'medium' ? 'warning.main' : 'error.main', borderRadius: 1 }}>
                  <Typography sx={{ fontSize: '1.1rem', lineHeight: 1.5, overflowWrap: 'anywhere' }}>{alertStory(alert, t)}</Typography>
                  {alert.resolve_time && <Typography variant="body2">{t('alert.resolved', { time: formatTime(alert.resolve_time) })}</Typography>}
                  {alert.suppression_id > 0 && <Typography variant="body2">{t('suppress.was', { id: alert.suppression_id })}</Typography>}
                </Banner>
                {alert.event && <Answers alert={alert} event={alert.event} />}
                {alert.event && <RuleText alert={alert} around={around} />}
                <Box><Section title={t('around.title')} help="around"><Timeline alert={alert} around={around} /></Section></Box>
                {alert.event && <Facts event={alert.event} />}
              </Stack>
            </Grid>
            <Grid size={{ xs: 12, md: 3.5 }}>
              <Stack spacing={1.5} sx={{ position: { md: 'sticky' }, top: 64 }}>
                <Box><Decision alert={alert} session={session} busy={change.isPending} error={change.isError ? change.error : null} onChange={(body) => change.mutate(body)} onClose={() => setClosing(true)} /></Box>
                <Box><Stop alert={alert} /></Box>
                {(mayCase || alert.case_ids.length > 0) && <Box><Section title={t('case.word')} help="case"><CasesOf alert={alert} /></Section></Box>}
                <Box><Comments alert={alert} draft={comment} onDraft={type} onSend={() => change.mutate({ comment: comment.trim() })} /></Box>
              </Stack>
            </Grid>
          </Grid>
          {closing && <CloseDialog title={t('alert.closeOne', { id: alert.alert_id })} busy={change.isPending} error={change.isError ? change.error : null} onClose={(closed) => change.mutate(closed)} onDone={() => setClosing(false)} />}
        </Stack>
      )}
    </Loaded>
  );
}
