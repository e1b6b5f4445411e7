// One case: everything in it on one line of time, with what to do beside it.
import { Alert as Banner, Box, Button, Checkbox, Divider, FormControlLabel, Grid, Link, Paper, Radio, RadioGroup, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useParams } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Case, CaseStory, Event, Session } from '../api/types';
import { deviceName, fileName, formatNumber, formatTime } from '../format';
import { useMay } from '../may';
import { DecisionDialog } from '../parts/Grant';
import { Help } from '../parts/Help';
import { OutcomeChip, SeverityChip, StateChip } from '../parts/Shown';
import { ErrorText, Loaded } from '../parts/State';
import { alertStory } from '../story';
import { CaseStateChip, HoldChip } from './Cases';

const VERDICTS = ['true_positive', 'false_positive', 'benign'] as const;

function Section({ title, help, children }: { title: string; help?: string; children: ReactNode }) {
  return (
    <Paper variant="outlined" component="section" sx={{ p: 2 }}>
      <Typography component="h2" variant="overline" sx={{ color: 'text.secondary', lineHeight: 1.5 }}>{title} {help && <Help term={help} />}</Typography>
      {children}
    </Paper>
  );
}

function eventLine(event: Event, people: string): string {
  const what = event.transfer ? `${fileName(event.transfer.file_path)} · ${people} ${formatNumber(event.transfer.persons)}` : event.reason;
  return [event.who.person, event.terminal, event.device && deviceName(event.device), what].filter(Boolean).join(' · ');
}

interface Moment {
  time: string;
  key: string;
  color: string;
  title: ReactNode;
  body?: ReactNode;
  remove?: object;
}

// What was done to the case, in words; what only says what stands beside it as
// a comment or an item is left out.
function momentsOf(story: CaseStory, t: ReturnType<typeof useTranslation>['t']): Moment[] {
  const moments: Moment[] = [];
  for (const { alert, added_by, add_time } of story.alerts) {
    moments.push({
      time: alert.create_time, key: `a${alert.alert_id}`, color: 'error.main', remove: { remove_alert_ids: [alert.alert_id] },
      title: (
        <Stack direction="row" spacing={1} useFlexGap sx={{ flexWrap: 'wrap', alignItems: 'center' }}>
          <Link component={RouterLink} to={`/alerts/${alert.alert_id}`}>{t('alert.one', { id: alert.alert_id })}</Link>
          <SeverityChip severity={alert.severity} /><StateChip state={alert.state} />
          {alert.verdict && <Typography variant="caption">{t(`verdict.${alert.verdict}`)}</Typography>}
        </Stack>
      ),
      body: <>{alertStory(alert, t)}<Typography variant="caption" component="div" color="text.secondary">{t('case.addedBy', { who: added_by, time: formatTime(add_time) })}</Typography></>,
    });
  }
  for (const { event, added_by, add_time } of story.events) {
    moments.push({
      time: event.receive_time, key: `e${event.row_id}`, color: 'info.main', remove: { remove_event_row_ids: [event.row_id] },
      title: <>{t(`kind.${event.kind}`, { defaultValue: event.kind })} <OutcomeChip outcome={event.outcome} /></>,
      body: <>{eventLine(event, t('transfer.persons'))}<Typography variant="caption" component="div" color="text.secondary">{t('case.addedBy', { who: added_by, time: formatTime(add_time) })}</Typography></>,
    });
  }
  story.comments.forEach((one, i) => moments.push({ time: one.time, key: `c${i}`, color: 'success.main', title: t('case.said', { who: one.author }), body: one.text }));
  // The log tells the newest first.
  for (const deed of [...story.history].reverse()) {
    if (deed.detail === 'commented' && deed.result === 'ok') continue;
    const what = t(`caseDid.${deed.action.replace('case.', '')}`, { who: deed.user, defaultValue: deed.action });
    moments.push({ time: deed.time, key: `h${deed.row_id}`, color: 'text.disabled', title: deed.result === 'ok' ? what : t('case.refused', { what, why: deed.result }), body: deed.detail });
  }
  return moments.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

function Line({ story, mayRemove, onRemove }: { story: CaseStory; mayRemove: boolean; onRemove: (what: object) => void }) {
  const { t } = useTranslation();
  return (
    <Stack component="ol" sx={{ listStyle: 'none', m: 0, p: 0, mt: 1 }}>
      {momentsOf(story, t).map((one) => (
        <Box component="li" key={one.key} sx={{ display: 'flex', gap: 1.5 }}>
          <Typography variant="caption" sx={{ width: { xs: '5.5rem', sm: '9.5rem' }, flexShrink: 0, textAlign: 'right', pt: 0.25, color: 'text.secondary' }}>{formatTime(one.time)}</Typography>
          <Box sx={{ display: 'flex', flexDirection: 'column', alignItems: 'center' }}>
            <Box sx={{ width: 10, height: 10, mt: 0.75, borderRadius: '50%', bgcolor: one.color, flexShrink: 0 }} />
            <Box sx={{ width: 2, flexGrow: 1, bgcolor: 'divider' }} />
          </Box>
          <Box sx={{ pb: 2, overflowWrap: 'anywhere', minWidth: 0, flexGrow: 1 }}>
            <Typography variant="body2" component="div" sx={{ fontWeight: 600 }}>{one.title}</Typography>
            {one.body && <Typography variant="body2" component="div" sx={{ whiteSpace: 'pre-wrap' }}>{one.body}</Typography>}
          </Box>
          {mayRemove && one.remove && <Button size="small" sx={{ alignSelf: 'flex-start', flexShrink: 0 }} onClick={() => onRemove(one.remove ?? {})}>{t('case.takeOut')}</Button>}
        </Box>
      ))}
    </Stack>
  );
}

function ReasonDialog({ title, act, warning, path, onDone, onSaved }: { title: string; act: string; warning?: string; path: string; onDone: () => void; onSaved: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const send = useMutation({ mutationFn: () => post<Case>(path, { reason: reason.trim() }), onSuccess: () => { onSaved(); onDone(); } });
  return (
    <DecisionDialog title={title} warning={warning} error={send.error} act={act} busy={send.isPending} disabled={reason.trim() === ''} onAct={() => send.mutate()} onDone={onDone}>
      <TextField autoFocus required multiline maxRows={6} label={t('alert.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
    </DecisionDialog>
  );
}

function CloseCase({ id, open, onDone, onSaved }: { id: number; open: number; onDone: () => void; onSaved: () => void }) {
  const { t } = useTranslation();
  const [verdict, setVerdict] = useState('');
  const [reason, setReason] = useState('');
  const [withAlerts, setWithAlerts] = useState(open > 0);
  const send = useMutation({ mutationFn: () => post<Case>(`cases:close/${id}`, { verdict, reason: reason.trim(), with_alerts: withAlerts }), onSuccess: () => { onSaved(); onDone(); } });
  return (
    <DecisionDialog title={t('case.closeTitle', { id })} error={send.error} act={t('case.close')} busy={send.isPending} disabled={verdict === '' || reason.trim() === ''} onAct={() => send.mutate()} onDone={onDone}>
      <RadioGroup aria-label={t('alert.verdict')} value={verdict} onChange={(e) => setVerdict(e.target.value)}>
        {VERDICTS.map((word) => <FormControlLabel key={word} value={word} control={<Radio autoFocus={word === 'true_positive'} />} label={t(`verdict.${word}`)} />)}
      </RadioGroup>
      <TextField required multiline maxRows={6} label={t('alert.reason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />
      {open > 0 && <FormControlLabel control={<Checkbox checked={withAlerts} onChange={(e) => setWithAlerts(e.target.checked)} />} label={t('case.withAlerts', { value: formatNumber(open) })} />}
    </DecisionDialog>
  );
}

function Rename({ row, onChange, onDone }: { row: Case; onChange: (body: object) => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [title, setTitle] = useState(row.title);
  return (
    <DecisionDialog title={t('case.rename')} error={null} act={t('case.save')} busy={false} disabled={title.trim() === ''} onAct={() => { onChange({ title: title.trim() }); onDone(); }} onDone={onDone}>
      <TextField autoFocus multiline maxRows={3} label={t('case.title')} value={title} onChange={(e) => setTitle(e.target.value)} slotProps={{ htmlInput: { maxLength: 190 } }} />
    </DecisionDialog>
  );
}

type Asking = 'close' | 'reopen' | 'hold' | 'release' | 'rename' | null;

export function CasePage({ session }: { session: Session }) {
  const { t } = useTranslation();
  const { id = '' } = useParams();
  const may = useMay();
  const client = useQueryClient();
  const query = useQuery({ queryKey: ['case', id], queryFn: () => get<CaseStory>(`cases/${id}`) });
  const [asking, setAsking] = useState<Asking>(null);
  const draftKey = `case-comment-${id}`;
  const [comment, setComment] = useState(sessionStorage.getItem(draftKey) ?? '');
  const type = (text: string) => {
    setComment(text);
    sessionStorage.setItem(draftKey, text);
  };
  const saved = () => { for (const key of ['case', 'cases', 'alerts', 'alert']) void client.invalidateQueries({ queryKey: [key] }); };
  const change = useMutation({
    mutationFn: (body: object) => post<Case>(`cases/${id}`, body),
    onSuccess: (_, body) => {
      if ('comment' in body) type('');
      saved();
    },
  });
  return (
    <Loaded query={query}>
      {(story) => {
        const works = may('ChangeCase');
        const open = story.state === 'open';
        const openAlerts = story.alerts.filter(({ alert }) => alert.state !== 'closed' && alert.kind !== 'approval_request').length;
        return (
          <Stack spacing={1.5}>
            <Stack direction="row" spacing={1} useFlexGap sx={{ alignItems: 'center', flexWrap: 'wrap' }}>
              <Typography component="h1" variant="h6" sx={{ overflowWrap: 'anywhere' }}>{t('case.numbered', { id: story.case_id, title: story.title })}</Typography>
              <CaseStateChip row={story} /><HoldChip row={story} />
              {works && open && <Button size="small" onClick={() => setAsking('rename')}>{t('case.rename')}…</Button>}
            </Stack>
            {change.isError && <Banner severity="error"><ErrorText error={change.error} /></Banner>}
            <Grid container spacing={1.5}>
              <Grid size={{ xs: 12, md: 8.5 }}>
                <Section title={t('case.line')}><Line story={story} mayRemove={works && open && !story.hold} onRemove={(body) => change.mutate(body)} /></Section>
              </Grid>
              <Grid size={{ xs: 12, md: 3.5 }}>
                <Stack spacing={1.5} sx={{ position: { md: 'sticky' }, top: 64 }}>
                  <Section title={t('alert.decide')}>
                    <Stack spacing={1.25} sx={{ mt: 0.5 }}>
                      <Typography variant="body2">{t('alert.assignee')}: <strong>{story.owner || '–'}</strong></Typography>
                      {!open && <Typography variant="body2">{t('case.closedBy', { who: story.closed_by, time: formatTime(story.close_time) })}: <strong>{t(`verdict.${story.verdict}`)}</strong><br />{story.close_reason}</Typography>}
                      {works && open && <Button variant="outlined" disabled={change.isPending || story.owner === session.user} onClick={() => change.mutate({ owner: session.user })}>{t('alert.assignMe')}</Button>}
                      {may('CloseCase') && open && <Button variant="contained" aria-haspopup="dialog" onClick={() => setAsking('close')}>{t('case.close')}…</Button>}
                      {may('ReopenCase') && !open && <Button variant="outlined" aria-haspopup="dialog" onClick={() => setAsking('reopen')}>{t('case.reopen')}…</Button>}
                    </Stack>
                  </Section>
                  <Section title={t('case.hold')} help="hold">
                    <Stack spacing={1.25} sx={{ mt: 0.5 }}>
                      {story.hold ? <Typography variant="body2" sx={{ overflowWrap: 'anywhere' }}>{t('case.heldBy', { who: story.hold.by, time: formatTime(story.hold.time) })}<br />{story.hold.reason}</Typography> : <Typography variant="body2" color="text.secondary">{t('case.notHeld')}</Typography>}
                      {story.hold && may('LiftHold') && (story.hold.by === session.user ? <Typography variant="body2" color="text.secondary">{t('case.ownHold')}</Typography> : <Button variant="outlined" color="warning" aria-haspopup="dialog" onClick={() => setAsking('release')}>{t('case.release')}…</Button>)}
                      {!story.hold && may('PlaceHold') && <Button variant="outlined" aria-haspopup="dialog" onClick={() => setAsking('hold')}>{t('case.place')}…</Button>}
                    </Stack>
                  </Section>
                  {works && <Section title={t('alert.comment')}>
                    <Stack spacing={1} sx={{ alignItems: 'flex-end', mt: 0.5 }}>
                      <TextField fullWidth multiline maxRows={8} size="small" label={t('alert.comment')} value={comment} onChange={(e) => type(e.target.value)} />
                      <Button disabled={comment.trim() === '' || change.isPending} onClick={() => change.mutate({ comment: comment.trim() })}>{t('alert.addComment')}</Button>
                    </Stack>
                  </Section>}
                </Stack>
              </Grid>
            </Grid>
            <Divider />
            <Typography variant="body2" color="text.secondary">{t('case.how')}</Typography>
            {asking === 'close' && <CloseCase id={story.case_id} open={openAlerts} onDone={() => setAsking(null)} onSaved={saved} />}
            {asking === 'rename' && <Rename row={story} onChange={(body) => change.mutate(body)} onDone={() => setAsking(null)} />}
            {asking === 'reopen' && <ReasonDialog title={t('case.reopenTitle', { id: story.case_id })} act={t('case.reopen')} path={`cases:reopen/${id}`} onDone={() => setAsking(null)} onSaved={saved} />}
            {asking === 'hold' && <ReasonDialog title={t('case.placeTitle', { id: story.case_id })} warning={t('case.placeDoes')} act={t('case.place')} path={`cases:hold/${id}`} onDone={() => setAsking(null)} onSaved={saved} />}
            {asking === 'release' && <ReasonDialog title={t('case.releaseTitle', { id: story.case_id })} warning={t('case.releaseDoes')} act={t('case.release')} path={`cases:release/${id}`} onDone={() => setAsking(null)} onSaved={saved} />}
          </Stack>
        );
      }}
    </Loaded>
  );
}
