-- Counts one use in a fixed window. KEYS: the count. ARGV: limit, window in seconds. Returns {uses, ms until the window ends}.
-- Uses beyond the limit are not counted on, so that a refused caller does not lengthen anything.
local uses = tonumber(redis.call('GET', KEYS[1]) or '0')
if uses == 0 then
  redis.call('SET', KEYS[1], 1, 'EX', tonumber(ARGV[2]))
  return { 1, tonumber(ARGV[2]) * 1000 }
end
if uses <= tonumber(ARGV[1]) then uses = redis.call('INCR', KEYS[1]) end
return { uses, redis.call('PTTL', KEYS[1]) }
