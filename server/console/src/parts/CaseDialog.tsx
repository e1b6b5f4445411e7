// From an alert or an event into a case: a new one, or one that is open.
import { Button, Checkbox, FormControlLabel, MenuItem, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink, useNavigate } from 'react-router-dom';

import { get, post } from '../api/client';
import type { Alert, Case, Page } from '../api/types';
import { useMay } from '../may';
import { alertTitle } from '../story';
import { DecisionDialog } from './Grant';
import { Help } from './Help';
import { ErrorText } from './State';

export interface CaseItems {
  alert_ids?: number[];
  event_row_ids?: number[];
}

function useOpened(onDone: () => void) {
  const client = useQueryClient();
  const navigate = useNavigate();
  return (opened: Case) => {
    for (const key of ['cases', 'case', 'alerts', 'alert']) void client.invalidateQueries({ queryKey: [key] });
    onDone();
    void navigate(`/cases/${opened.case_id}`);
  };
}

// Without `items` an empty case, to be filled later.
export function CaseDialog({ items = {}, title = '', onDone }: { items?: CaseItems; title?: string; onDone: () => void }) {
  const { t } = useTranslation();
  const done = useOpened(onDone);
  const filled = (items.alert_ids?.length ?? 0) + (items.event_row_ids?.length ?? 0) > 0;
  const open = useQuery({ queryKey: ['cases', 'open'], queryFn: () => get<Page<Case>>('cases', { state: 'open' }), enabled: filled });
  const [chosen, setChosen] = useState(0); // 0: a new one
  const [name, setName] = useState(title);
  const [hold, setHold] = useState(false);
  const [reason, setReason] = useState('');
  const send = useMutation({
    mutationFn: () => chosen === 0
      ? post<Case>('cases', { title: name.trim(), ...items, ...(hold && { hold_reason: reason.trim() }) })
      : post<Case>(`cases/${chosen}`, { ...(items.alert_ids && { add_alert_ids: items.alert_ids }), ...(items.event_row_ids && { add_event_row_ids: items.event_row_ids }) }),
    onSuccess: done,
  });
  const ready = chosen !== 0 || (name.trim() !== '' && (!hold || reason.trim() !== ''));
  return (
    <DecisionDialog title={filled ? t('case.put') : t('case.new')} error={send.error} act={chosen === 0 ? t('case.open') : t('case.add')} busy={send.isPending} disabled={!ready} onAct={() => send.mutate()} onDone={onDone}>
      {filled && (
        <TextField select label={t('case.into')} value={chosen} onChange={(e) => setChosen(Number(e.target.value))}>
          <MenuItem value={0}>{t('case.new')}</MenuItem>
          {(open.data?.rows ?? []).map((one) => <MenuItem key={one.case_id} value={one.case_id} sx={{ whiteSpace: 'normal' }}>{t('case.numbered', { id: one.case_id, title: one.title })}</MenuItem>)}
        </TextField>
      )}
      {chosen === 0 && (
        <>
          <TextField autoFocus required multiline maxRows={3} label={t('case.title')} value={name} onChange={(e) => setName(e.target.value)} slotProps={{ htmlInput: { maxLength: 190 } }} />
          <Stack direction="row" sx={{ alignItems: 'center' }}>
            <FormControlLabel control={<Checkbox checked={hold} onChange={(e) => setHold(e.target.checked)} />} label={t('case.withHold')} />
            <Help term="hold" />
          </Stack>
          {hold && <TextField required label={t('case.holdReason')} value={reason} onChange={(e) => setReason(e.target.value)} slotProps={{ htmlInput: { maxLength: 300 } }} />}
        </>
      )}
    </DecisionDialog>
  );
}

// In which cases an alert stands, and the way into one: one click for a case of
// its own.
export function CasesOf({ alert }: { alert: Alert }) {
  const { t } = useTranslation();
  const may = useMay()('OpenCase');
  const [asking, setAsking] = useState(false);
  const done = useOpened(() => undefined);
  // What the server takes at most.
  const title = alertTitle(alert, t).slice(0, 60);
  const open = useMutation({ mutationFn: () => post<Case>('cases', { title, alert_ids: [alert.alert_id] }), onSuccess: done });
  return (
    <Stack spacing={1.25} sx={{ mt: 0.5 }}>
      {alert.case_ids.length > 0 && (
        <Typography variant="body2">
          {alert.case_ids.map((id, i) => <span key={id}>{i > 0 && ', '}<RouterLink to={`/cases/${id}`} style={{ color: 'inherit' }}>{t('case.one', { id })}</RouterLink></span>)}
        </Typography>
      )}
      {open.isError && <Typography variant="body2" color="error"><ErrorText error={open.error} /></Typography>}
      {may && alert.case_ids.length === 0 && <Button variant="outlined" loading={open.isPending} onClick={() => open.mutate()}>{t('case.openOne')}</Button>}
      {may && <Button aria-haspopup="dialog" onClick={() => setAsking(true)}>{t('case.more')}…</Button>}
      {asking && <CaseDialog items={{ alert_ids: [alert.alert_id] }} title={title} onDone={() => setAsking(false)} />}
    </Stack>
  );
}

export function CaseButton({ items, title = '' }: { items: CaseItems; title?: string }) {
  const { t } = useTranslation();
  const may = useMay()('OpenCase');
  const [asking, setAsking] = useState(false);
  if (!may) return null;
  return (
    <>
      <Button size="small" aria-haspopup="dialog" onClick={(e) => { e.stopPropagation(); setAsking(true); }}>{t('case.word')}…</Button>
      {asking && <CaseDialog items={items} title={title} onDone={() => setAsking(false)} />}
    </>
  );
}
