// Codes over the phone: one is made and read out once, and what became of those
// that were.
import { Alert as Notice, Box, Button, MenuItem, Paper, Stack, Table, TableBody, TableCell, TableContainer, TableHead, TableRow, TextField, Typography } from '@mui/material';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link as RouterLink } from 'react-router-dom';

import { get, post } from '../api/client';
import type { OfflineCode, SpokenCode } from '../api/types';
import { formatSpan, formatTime } from '../format';
import { DecisionDialog } from './Grant';
import { Code } from './Shown';

const HEAD = ['code.issued', 'alert.person', 'device.name', 'request.howLong', 'alert.state'];
const PERIODS = [900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 604800];
const FIELDS = ['terminal', 'device_id', 'challenge', 'person', 'reason'] as const;
const LABELS = { terminal: 'terminal.name', device_id: 'code.device', challenge: 'code.challenge', person: 'code.caller', reason: 'code.why' };

function Issue({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [wish, setWish] = useState({ terminal: '', device_id: '', challenge: '', person: '', reason: '', seconds: 14400 });
  const issue = useMutation({
    mutationFn: () => post<SpokenCode>('codes:issue', { ...wish, terminal: wish.terminal.trim(), device_id: wish.device_id.trim() }),
    onSuccess: () => void client.invalidateQueries({ queryKey: ['codes'] }),
  });
  const spoken = issue.data;
  const incomplete = FIELDS.some((field) => wish[field].trim() === '');
  return (
    <DecisionDialog title={t('code.issueTitle')} deviceId={spoken?.issued.device_id ?? wish.device_id} error={issue.isError ? issue.error : null} act={t(spoken ? 'code.wasRead' : 'code.issue')}
      color="primary" busy={issue.isPending} disabled={incomplete} onAct={() => (spoken ? onDone() : issue.mutate())} onDone={onDone}>
      {spoken ? (
        <>
          <Typography>{t('code.readOut', { terminal: spoken.issued.terminal })}</Typography>
          <Typography aria-label={t('code.code')} role="status" sx={{ fontFamily: 'monospace', fontSize: '1.6rem', letterSpacing: 2, overflowWrap: 'anywhere' }}>{spoken.code}</Typography>
          <Notice severity="info">{t('code.once', { span: formatSpan(spoken.issued.seconds) })}</Notice>
        </>
      ) : (
        <>
          <Typography color="text.secondary">{t('code.does')}</Typography>
          {FIELDS.map((field) => (
            <TextField key={field} required label={t(LABELS[field])} value={wish[field]} multiline={field === 'reason'} maxRows={6}
              autoComplete="off" onChange={(e) => setWish({ ...wish, [field]: e.target.value })} />
          ))}
          <TextField select label={t('request.howLong')} value={wish.seconds} onChange={(e) => setWish({ ...wish, seconds: Number(e.target.value) })}>
            {PERIODS.map((seconds) => <MenuItem key={seconds} value={seconds}>{formatSpan(seconds)}</MenuItem>)}
          </TextField>
        </>
      )}
    </DecisionDialog>
  );
}

function Revoke({ code, onDone }: { code: OfflineCode; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () => post<OfflineCode>('codes:revoke', { id: code.id, reason: '' }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['codes'] });
      onDone();
    },
  });
  return (
    <DecisionDialog title={t('code.takeBackTitle')} deviceId={code.device_id} error={revoke.isError ? revoke.error : null} act={t('request.takeBack')} color="warning"
      busy={revoke.isPending} onAct={() => revoke.mutate()} onDone={onDone}>
      <Typography>{t('code.takeBackDoes', { terminal: code.terminal })}</Typography>
    </DecisionDialog>
  );
}

function State({ code, mayChange }: { code: OfflineCode; mayChange: boolean }) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const running = code.state === 'running' || code.state === 'used';
  return (
    <Stack spacing={0.5} sx={{ alignItems: 'flex-start' }}>
      <span>{t(`codeState.${code.state}`)}</span>
      {code.used_time && (
        <RouterLink to={`/events?${new URLSearchParams({ kind: 'code', device_id: code.device_id }).toString()}`} style={{ color: 'inherit' }}>
          {t('code.usedBy', { time: formatTime(code.used_time), person: code.used_person })}
        </RouterLink>
      )}
      {running && mayChange && <Button size="small" color="warning" onClick={() => setAsking(true)}>{t('request.takeBack')}</Button>}
      {asking && <Revoke code={code} onDone={() => setAsking(false)} />}
    </Stack>
  );
}

export function OfflineCodes({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const [issuing, setIssuing] = useState(false);
  const { data } = useQuery({ queryKey: ['codes'], queryFn: () => get<{ rows: OfflineCode[] }>('codes', { state: 'all' }) });
  const rows = data?.rows ?? [];
  return (
    <Box component="section" sx={{ mt: 4 }}>
      <Stack direction="row" spacing={2} useFlexGap sx={{ mb: 1, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography component="h2" variant="h6" sx={{ flexGrow: 1 }}>{t('code.list')}</Typography>
        {mayChange && <Button variant="outlined" onClick={() => setIssuing(true)}>{t('code.open')}</Button>}
      </Stack>
      {issuing && <Issue onDone={() => setIssuing(false)} />}
      {rows.length > 0 && (
        <TableContainer component={Paper} variant="outlined" tabIndex={0}>
          <Table size="small" aria-label={t('code.list')} sx={{ minWidth: 720 }}>
            <TableHead>
              <TableRow>{HEAD.map((key) => <TableCell key={key}>{t(key)}</TableCell>)}</TableRow>
            </TableHead>
            <TableBody>
              {rows.map((code) => (
                <TableRow key={code.id}>
                  <TableCell>
                    {formatTime(code.create_time)}
                    <Typography variant="caption" component="div" color="text.secondary">{code.created_by}: {code.reason}</Typography>
                  </TableCell>
                  <TableCell>
                    {code.person}
                    <Typography variant="caption" component="div" color="text.secondary">{code.terminal}</Typography>
                  </TableCell>
                  <TableCell sx={{ overflowWrap: 'anywhere' }}><Code>{code.device_id}</Code></TableCell>
                  <TableCell sx={{ whiteSpace: 'nowrap' }}>{formatSpan(code.seconds)}</TableCell>
                  <TableCell><State code={code} mayChange={mayChange} /></TableCell>
                </TableRow>
              ))}
            </TableBody>
          </Table>
        </TableContainer>
      )}
    </Box>
  );
}
