import { Alert, Button, Chip, Grid, List, ListItem, ListItemButton, ListItemText, Paper, Stack, TextField, Typography } from '@mui/material';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { post } from '../api/client';
import type { PolicyVersion, Pushed } from '../api/types';
import { formatTime } from '../format';
import { rowsOf, usePages } from '../parts/Rows';
import { Empty, ErrorText, Loaded } from '../parts/State';

const DRAFT = 'policy-draft';

export function Policy({ mayChange }: { mayChange: boolean }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const pages = usePages<PolicyVersion>('policies', 'policies');
  const versions = rowsOf(pages);
  const [draft, setDraft] = useState<string | null>(sessionStorage.getItem(DRAFT));
  const [comment, setComment] = useState('');
  const text = draft ?? versions[0]?.text ?? '';
  const type = (value: string) => {
    setDraft(value);
    sessionStorage.setItem(DRAFT, value);
  };
  const push = useMutation({
    mutationFn: () => post<Pushed>('policies', { text, comment }),
    onSuccess: (pushed) => {
      if (pushed.problems.length > 0) return;
      sessionStorage.removeItem(DRAFT);
      setDraft(null);
      setComment('');
      void client.invalidateQueries({ queryKey: ['policies'] });
    },
  });
  const problems = push.data?.problems ?? [];
  return (
    <>
      <Typography component="h1" variant="h5" sx={{ mb: 2 }}>{t('policy.list')}</Typography>
      <Grid container spacing={2}>
        <Grid size={{ xs: 12, md: 8 }}>
          <Stack spacing={2}>
            <TextField
              label={t('policy.text')}
              multiline
              minRows={18}
              maxRows={22}
              value={text}
              onChange={(e) => type(e.target.value)}
              error={problems.length > 0}
              slotProps={{ input: { readOnly: !mayChange, sx: { fontFamily: 'monospace', fontSize: 14 } }, htmlInput: { spellCheck: false } }}
            />
            {problems.length > 0 && (
              <Alert severity="error">
                {t('policy.refused')}
                <ul>
                  {problems.map((problem, i) => (
                    <li key={i}>{t('policy.at', { line: problem.line, column: problem.column })}: {problem.message}</li>
                  ))}
                </ul>
              </Alert>
            )}
            {push.isError && <Alert severity="error"><ErrorText error={push.error} /></Alert>}
            {push.data && problems.length === 0 && (
              <Alert severity="success">{t('policy.pushed', { version: push.data.version, count: push.data.agent_count })}</Alert>
            )}
            {mayChange && (
              <Stack direction="row" spacing={2}>
                <TextField size="small" fullWidth label={t('policy.comment')} value={comment} onChange={(e) => setComment(e.target.value)} />
                <Button variant="contained" sx={{ whiteSpace: 'nowrap', flexShrink: 0 }} loading={push.isPending} disabled={text.trim() === ''} onClick={() => push.mutate()}>
                  {t('policy.push')}
                </Button>
              </Stack>
            )}
          </Stack>
        </Grid>
        <Grid size={{ xs: 12, md: 4 }}>
          <Paper variant="outlined">
            <Typography component="h2" variant="subtitle1" sx={{ p: 2, pb: 0 }}>{t('policy.versions')}</Typography>
            <Loaded query={pages}>
              {() => (
                <List dense>
                  {versions.map((version) => (
                    <ListItem key={version.version} disablePadding><ListItemButton onClick={() => type(version.text)} title={t('policy.edit')}>
                      <ListItemText
                        primary={<>{t('policy.version', { version: version.version })} <Chip size="small" label={t(`mode.${version.mode}`, { defaultValue: version.mode })} /></>}
                        secondary={`${formatTime(version.push_time)} · ${version.author}${version.comment ? ` · ${version.comment}` : ''}`}
                      />
                    </ListItemButton></ListItem>
                  ))}
                  {versions.length === 0 && <Empty />}
                </List>
              )}
            </Loaded>
          </Paper>
        </Grid>
      </Grid>
    </>
  );
}
