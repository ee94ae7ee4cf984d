SELECT * FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'bc')]) AS t (n, s);
