// Policy: written, compared, asked, tried on what happened, pushed, followed.
import { Alert, Box, Button, Checkbox, Chip, FormControlLabel, Grid, List, ListItem, ListItemButton, ListItemText, MenuItem, Paper, Stack, Tab, Tabs, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { CheckedPolicy, PolicyVersion, Pushed } from '../api/types';
import { formatTime } from '../format';
import { DataSets } from '../parts/DataSets';
import { DecisionDialog } from '../parts/Grant';
import { ExplainPolicy, Problems, TryPolicy } from '../parts/PolicyTry';
import { RingRollout, useRings, useRollout } from '../parts/Rings';
import { RollOut } from '../parts/RollOut';
import { rowsOf, usePages } from '../parts/Rows';
import { Empty, ErrorText, Loaded, Waiting } from '../parts/State';

const PolicyEditor = lazy(() => import('../parts/PolicyEditor').then((part) => ({ default: part.PolicyEditor })));
const PolicyDiff = lazy(() => import('../parts/PolicyEditor').then((part) => ({ default: part.PolicyDiff })));

const DRAFT = 'policy-draft';
const TABS = ['edit', 'compare', 'explain', 'try', 'rollOut', 'dataSets'] as const;

function usePush(onPushed: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ path, body }: { path: string; body: object }) => post<Pushed>(path, body),
    onSuccess: (pushed) => {
      if (pushed.problems.length > 0) return;
      onPushed();
      for (const key of ['policies', 'agents', 'rollout']) void client.invalidateQueries({ queryKey: [key] });
    },
  });
}

function PushResult({ push }: { push: ReturnType<typeof usePush> }) {
  const { t } = useTranslation();
  const problems = push.data?.problems ?? [];
  return (
    <>
      <Problems title={t('policy.refused')} problems={problems} severity="error" />
      {push.isError && <Alert severity="error"><ErrorText error={push.error} /></Alert>}
      {push.data && problems.length === 0 && <Alert severity="success">{t('policy.pushed', { version: push.data.version, count: push.data.agent_count })} {push.data.ring !== '' && t('rings.staged', { ring: push.data.ring })}</Alert>}
    </>
  );
}

function Edit({ text, mayChange, push, onType, onPush }: { text: string; mayChange: boolean; push: ReturnType<typeof usePush>; onType: (text: string) => void; onPush: (comment: string, now: boolean) => void }) {
  const { t } = useTranslation();
  const [comment, setComment] = useState('');
  const [now, setNow] = useState(false);
  const rings = useRings();
  const [checked, setChecked] = useState<CheckedPolicy | null>(null);
  return (
    <Stack spacing={2}>
      <PolicyEditor label={t('policy.text')} text={text} readOnly={!mayChange} onChange={onType} onChecked={setChecked} />
      <Box aria-live="polite">
        {checked && checked.problems.length === 0 && (
          <Typography variant="body2" color="text.secondary">{t('policy.sound', { mode: t(`mode.${checked.mode}`, { defaultValue: checked.mode }), devices: checked.device_rules, content: checked.content_rules })}</Typography>
        )}
        {checked && !push.data?.problems.length && <Problems title={t('policy.wrong')} problems={checked.problems} severity="error" />}
        {checked && <Problems title={t('policy.warnings')} problems={checked.warnings} severity="warning" />}
      </Box>
      <PushResult push={push} />
      {mayChange && (
        <Stack direction={{ xs: 'column', sm: 'row' }} spacing={2}>
          <TextField size="small" fullWidth label={t('policy.comment')} value={comment} onChange={(e) => setComment(e.target.value)} />
          <Button variant="contained" sx={{ whiteSpace: 'nowrap', flexShrink: 0 }} loading={push.isPending} disabled={text.trim() === ''} onClick={() => onPush(comment, now)}>{t('policy.push')}</Button>
        </Stack>
      )}
      {mayChange && rings.data && rings.data.text !== '' && <FormControlLabel control={<Checkbox checked={now} onChange={(e) => setNow(e.target.checked)} />} label={t('rings.now')} />}
    </Stack>
  );
}

function Compare({ versions, draft }: { versions: PolicyVersion[]; draft: string }) {
  const { t } = useTranslation();
  const texts: [string, string, string][] = [['draft', t('policy.draft'), draft], ...versions.map((one): [string, string, string] => [String(one.version), t('policy.version', { version: one.version }), one.text])];
  const [before, setBefore] = useState(texts[1]?.[0] ?? 'draft');
  const [after, setAfter] = useState('draft');
  const textOf = (name: string) => texts.find(([key]) => key === name)?.[2] ?? '';
  const choice = (label: string, value: string, onChange: (value: string) => void) => (
    <TextField select size="small" label={label} value={value} sx={{ minWidth: 160 }} onChange={(e) => onChange(e.target.value)}>
      {texts.map(([key, name]) => <MenuItem key={key} value={key}>{name}</MenuItem>)}
    </TextField>
  );
  return (
    <Stack spacing={2}>
      <Stack direction="row" spacing={2}>{choice(t('policy.before'), before, setBefore)}{choice(t('policy.after'), after, setAfter)}</Stack>
      {textOf(before) === textOf(after) ? <Alert severity="info">{t('policy.same')}</Alert> : <PolicyDiff label={t('policy.difference')} before={textOf(before)} after={textOf(after)} />}
    </Stack>
  );
}

function Versions({ pages, mayChange, onEdit, onBack }: { pages: ReturnType<typeof usePages<PolicyVersion>>; mayChange: boolean; onEdit: (text: string) => void; onBack: (version: number) => void }) {
  const { t } = useTranslation();
  const versions = rowsOf(pages);
  const { data: status } = useRollout();
  const inForce = status?.live ? status.rollout?.base_version : versions[0]?.version;
  const underWay = status?.live ? status.rollout?.version : undefined;
  return (
    <Paper variant="outlined">
      <Typography component="h2" variant="subtitle1" sx={{ p: 2, pb: 0 }}>{t('policy.versions')}</Typography>
      <Loaded query={pages}>
        {() => (
          <List dense>
            {versions.map((version, i) => (
              <ListItem key={version.version} disablePadding sx={{ flexWrap: 'wrap' }}>
                <ListItemButton onClick={() => onEdit(version.text)} title={t('policy.edit')}>
                  <ListItemText
                    primary={<>{t('policy.version', { version: version.version })} <Chip size="small" label={t(`mode.${version.mode}`, { defaultValue: version.mode })} /> {version.version === inForce && <Chip size="small" color="success" label={t('policy.inForce')} />}{version.version === underWay && <Chip size="small" color="warning" label={t('rings.underWay')} />}</>}
                    secondary={`${formatTime(version.push_time)} · ${version.author}${version.comment ? ` · ${version.comment}` : ''}`}
                  />
                </ListItemButton>
                {mayChange && i > 0 && <Button size="small" sx={{ ml: 1.5 }} aria-label={t('policy.backTo', { version: version.version })} onClick={() => onBack(version.version)}>{t('policy.rollback')}</Button>}
              </ListItem>
            ))}
            {versions.length === 0 && <Empty />}
          </List>
        )}
      </Loaded>
    </Paper>
  );
}

export function Policy({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const pages = usePages<PolicyVersion>('policies', 'policies');
  const versions = rowsOf(pages);
  const [draft, setDraft] = useState<string | null>(sessionStorage.getItem(DRAFT));
  const [tab, setTab] = useState<(typeof TABS)[number]>('edit');
  const [back, setBack] = useState<number | null>(null);
  const newest = versions[0];
  const text = draft ?? newest?.text ?? '';
  const push = usePush(() => {
    sessionStorage.removeItem(DRAFT);
    setDraft(null);
    setBack(null);
  });
  const type = (value: string) => {
    if (push.data?.problems.length) push.reset();
    setDraft(value);
    sessionStorage.setItem(DRAFT, value);
  };
  return (
    <>
      <Typography component="h1" variant="h5" sx={{ mb: 1 }}>{t('policy.list')}</Typography>
      <Grid container spacing={2}>
        <Grid size={{ xs: 12, lg: 9 }}>
          <Tabs value={tab} variant="scrollable" onChange={(_, value: (typeof TABS)[number]) => setTab(value)} aria-label={t('policy.list')} sx={{ mb: 2, borderBottom: 1, borderColor: 'divider' }}>
            {TABS.map((name) => <Tab key={name} value={name} label={t(`policyTab.${name}`)} id={`policy-tab-${name}`} aria-controls="policy-panel" />)}
          </Tabs>
          <Box role="tabpanel" id="policy-panel" aria-labelledby={`policy-tab-${tab}`}>
            <Suspense fallback={<Waiting />}>
              {newest && tab === 'edit' && <Edit text={text} mayChange={mayChange} push={push} onType={type} onPush={(comment, now) => push.mutate({ path: 'policies', body: { text, comment, ...(now && { scope: 'everybody' }) } })} />}
              {newest && tab === 'compare' && <Compare versions={versions} draft={text} />}
              {tab === 'explain' && <ExplainPolicy text={text} />}
              {tab === 'try' && <TryPolicy text={text} />}
              {newest && tab === 'rollOut' && <Stack spacing={4}><RingRollout mayChange={mayChange} /><RollOut newest={newest.version} /></Stack>}
              {tab === 'dataSets' && <DataSets />}
            </Suspense>
          </Box>
        </Grid>
        <Grid size={{ xs: 12, lg: 3 }}>
          <Versions pages={pages} mayChange={mayChange} onEdit={(chosen) => { type(chosen); setTab('edit'); }} onBack={setBack} />
        </Grid>
      </Grid>
      {back !== null && (
        <DecisionDialog title={t('policy.backTo', { version: back })} error={push.isError ? push.error : null} act={t('policy.rollback')} color="warning" busy={push.isPending}
          onAct={() => push.mutate({ path: `policies:rollback/${back}`, body: {} })} onDone={() => setBack(null)}>
          <Typography variant="body2">{t('policy.backHelp')}</Typography>
        </DecisionDialog>
      )}
    </>
  );
}
