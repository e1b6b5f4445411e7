-- dump
CREATE TABLE customers (memberid text, name text, kana text, sex text, birthday text, zip text, address text, tel text, email text, note text);
COPY public.customers (memberid, name, kana, sex, birthday, zip, address, tel, email, note) FROM stdin;
M00349563	林　結衣	ハヤシ ユイ	女	1967/01/03	860-0806	熊本県熊本市中央区花畑町1-3-35	070-1950-8313	user349563.18@example.co.jp	\N
M00349564	内田　美咲	ウチダ ミサキ	女	昭和20年9月28日	150-0002	東京都渋谷区渋谷2-8-38	060-1812-3622	user349564.63@example.co.jp	契約更新, 要連絡
M00349565	山口　彩香	ヤマグチ アヤカ	女	1948/10/02	980-0811	宮城県仙台市青葉区一番町9-27-12	080-7101-1596	user349565.73@example.com	1行目
2行目
\.
