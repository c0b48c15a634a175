import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.MQVersion;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.namesrv.NamesrvConfig;
import org.apache.rocketmq.namesrv.NamesrvController;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/** PORT NAMES REPLICATION FOLDER TOPIC...: a name server on port NAMES and a broker with these topics, of one queue each, which it knows. */
public final class Server {
  public static void main(String[] arguments) throws Exception {
    System.setProperty(RemotingCommand.REMOTING_VERSION_KEY, Integer.toString(MQVersion.CURRENT_VERSION));
    int names = Integer.parseInt(arguments[1]);
    NamesrvController nameServer = new NamesrvController(new NamesrvConfig(), listenAt(names));
    if (!nameServer.initialize()) System.exit(1);
    nameServer.start();
    BrokerConfig settings = new BrokerConfig();
    settings.setBrokerName("broker");
    settings.setBrokerIP1("127.0.0.1");
    settings.setNamesrvAddr("127.0.0.1:" + names);
    settings.setAutoCreateTopicEnable(false);
    settings.setWaitTimeMillsInSendQueue(60_000); // of a thousand messages at once none is refused because it waits
    MessageStoreConfig store = new MessageStoreConfig();
    store.setStorePathRootDir(arguments[3]);
    store.setStorePathCommitLog(arguments[3] + "/commitlog");
    store.setMappedFileSizeCommitLog(16 << 20);
    store.setMaxMessageSize(65_536);
    store.setHaListenPort(Integer.parseInt(arguments[2]));
    store.setOsPageCacheBusyTimeOutMills(60_000);
    NettyServerConfig at = listenAt(Integer.parseInt(arguments[0]));
    BrokerController broker = new BrokerController(settings, at, new NettyClientConfig(), store);
    if (!broker.initialize()) System.exit(1);
    for (int i = 4; i < arguments.length; i++)
      broker.getTopicConfigManager().updateTopicConfig(new TopicConfig(arguments[i], 1, 1));
    broker.start();
    // The registration at the start may have met a name server that was not ready, and another one may be under way.
    while (!isServed(nameServer, arguments)) {
      broker.registerBrokerAll(false, false, true);
      Thread.sleep(100);
    }
    System.out.println("topics are served");
  }

  private static boolean isServed(NamesrvController names, String[] arguments) {
    for (int i = 4; i < arguments.length; i++)
      if (names.getRouteInfoManager().pickupTopicRouteData(arguments[i]) == null) return false;
    return true;
  }

  private static NettyServerConfig listenAt(int port) {
    NettyServerConfig config = new NettyServerConfig();
    config.setBindAddress("127.0.0.1");
    config.setListenPort(port);
    return config;
  }
}
