-- Keeps a computed unread count if nothing happened since the computing began: KEYS none.
-- ARGV: for each count: key, token that the computing left there, count
for index = 1, #ARGV, 3 do
  if redis.call('GET', ARGV[index]) == ARGV[index + 1] then
    redis.call('SET', ARGV[index], ARGV[index + 2], 'EX', 604800)
  end
end
return 1
