// Approve or refuse what an operator asks for: two buttons and their dialogs.
import { Button, MenuItem, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useContext, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { Access, Alert } from '../api/types';
import { formatSpan } from '../format';
import { SessionContext } from '../may';
import { alertStory } from '../story';
import { AccessField, DecisionDialog } from './Grant';

const HOURS = [1, 8, 24, 24 * 7, 24 * 30];

type Answer = 'approve' | 'deny';

function Ask({ request, answer, onDone }: { request: Alert; answer: Answer; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const asked = request.event?.request?.seconds ?? 0;
  const ofCopy = request.event?.request?.of_copy ?? false;
  const [wish, setWish] = useState({ access: 'inspect' as Access, seconds: asked, scope: 'terminal', reason: '' });
  // Who sees some terminals decides for them alone.
  const everywhere = useContext(SessionContext)?.groups == null;
  const decide = useMutation({
    mutationFn: () => post<Alert>(`requests:decide/${request.alert_id}`, answer === 'approve' ? { answer, ...wish } : { answer, reason: wish.reason }),
    onSuccess: () => {
      for (const key of ['alerts', 'alert', 'devices', 'story', 'grants']) void client.invalidateQueries({ queryKey: [key] });
      onDone();
    },
  });
  const spans = [...new Set([asked, ...HOURS.map((hours) => hours * 3600)])].filter((seconds) => seconds > 0);
  return (
    <DecisionDialog title={t(ofCopy && answer === 'approve' ? 'request.grantTitle' : `request.${answer}Title`)} deviceId={request.device_id} error={decide.isError ? decide.error : null} act={t(ofCopy && answer === 'approve' ? 'request.grant' : `request.${answer}`)} color={answer === 'deny' ? 'error' : 'primary'}
      busy={decide.isPending} disabled={answer === 'deny' && wish.reason.trim() === ''} onAct={() => decide.mutate()} onDone={onDone}>
      <Typography>{alertStory(request, t)}</Typography>
      {answer === 'approve' && (
        <>
          {ofCopy ? <Typography color="text.secondary">{t('request.grantDoes')}</Typography> : <AccessField value={wish.access} onChange={(access) => setWish({ ...wish, access })} />}
          <TextField select label={t('device.ends')} value={wish.seconds} onChange={(e) => setWish({ ...wish, seconds: Number(e.target.value) })}>
            {spans.map((seconds) => <MenuItem key={seconds} value={seconds}>{formatSpan(seconds)}{seconds === asked && ` (${t('request.asAsked')})`}</MenuItem>)}
          </TextField>
          {!ofCopy && <TextField select label={t('request.scope')} value={wish.scope} onChange={(e) => setWish({ ...wish, scope: e.target.value })}>
            <MenuItem value="terminal">{t('request.onlyThere', { terminal: request.terminal })}</MenuItem>
            {everywhere && <MenuItem value="everywhere">{t('device.everywhere')}</MenuItem>}
          </TextField>}
        </>
      )}
      <TextField multiline maxRows={6} label={t(answer === 'deny' ? 'request.whyNot' : 'request.note')} value={wish.reason}
        onChange={(e) => setWish({ ...wish, reason: e.target.value })} />
    </DecisionDialog>
  );
}

export function DecideRequest({ request }: { request: Alert }) {
  const { t } = useTranslation();
  const [answer, setAnswer] = useState<Answer | null>(null);
  return (
    <>
      <Stack direction="row" spacing={1}>
        <Button variant="contained" onClick={() => setAnswer('approve')}>{t(request.event?.request?.of_copy ? 'request.grant' : 'request.approve')}</Button>
        <Button variant="outlined" color="error" onClick={() => setAnswer('deny')}>{t('request.deny')}</Button>
      </Stack>
      {answer && <Ask request={request} answer={answer} onDone={() => setAnswer(null)} />}
    </>
  );
}
