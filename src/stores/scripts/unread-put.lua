-- Keeps a computed unread count if nothing happened since the computing began.
-- KEYS: the counts. ARGV: the token that the computing left there, then a value for each key.
for index, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('SET', key, ARGV[index + 1], 'EX', 604800) end
end
return 1
