INSERT INTO `t` (`氏名`,`tel`) VALUES ('佐藤\'花子','090-1234-5678'),(N'鈴木''一郎',X'4142'),(NULL,E'\u5b57');
REPLACE INTO t VALUES (1,2);
COPY t (a,b) FROM stdin;
1	\N
\.
